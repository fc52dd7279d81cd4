//! What a training job consists of: its activities, and how they follow each other. One code for every engine that runs jobs.
//!
//! Invariant: an activity calls Labeler with tokens of its own, which are for the job's one object and go when the attempt ends, on
//! every path; none is in a job's record, in a file, in a log or in a trainer's environment. A user never supplies a command.

mod artifacts;
mod engine;
mod failure;
mod fetch;
mod leftover;
mod lines;
mod machine;
mod metrics;
mod output;
mod peer;
mod process;
mod publish;
mod said;
mod splits;
mod train;
mod trainer;
mod validate;

pub use artifacts::{ArtifactError, ArtifactFile, Artifacts};
pub use engine::{Engine, Task};
pub use failure::Failure;
pub use machine::{Activity, Ended, Next, Place, Retries, next};
pub use peer::Peer;
pub use publish::Published;
pub use said::{Said, Saying};
pub use trainer::{Trainer, TrainerError};
