//! Runs Platform's training jobs on Temporal: the same activities as the embedded runner's, in a workflow a job.
//!
//! Invariant: a workflow's history holds the job's id, its trace and stable words alone. Which activity follows, how often one is tried
//! and what becomes of a job is decided and written down by the code of the embedded runner; Temporal decides when, and where.

mod activities;
mod connection;
mod dispatch;
mod jobs;
#[cfg(test)]
mod replay;
mod trace;
mod waiting;
mod worker;
mod workflow;

pub use connection::{Settings, Tls};
pub use worker::{JobWorker, WorkerError};
