//! The Platform service: training jobs, and datasets as users see them.
//!
//! Invariant: nothing here reaches a job or a dataset without the proof that the caller may, and every call to Labeler is made in the
//! name of the caller that the permit names. Platform starts and answers without Labeler; what needs it then answers UNAVAILABLE.

mod access;
mod artifact;
mod database;
mod dataset_service;
mod error;
mod handover;
mod ids;
mod job;
mod job_service;
mod job_wire;
mod jobs;
mod labeler;
mod page;
mod permission_service;
mod platform;
mod runner;
mod snapshot_service;
mod split_service;
mod status;
mod upload_service;

pub use handover::{Handover, HandoverError, Offer, Step, Told};
pub use labeler::{Peer, is_serving};
pub use platform::{NotReady, OpenError, Platform, Setup, own_database};
pub use runner::{ArtifactStore, JobLimits, Training};

#[cfg(test)]
mod tests;
