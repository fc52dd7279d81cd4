//! The Labeler service: keeps datasets, their files and who may see them.
//!
//! Invariant: every way to a dataset goes through the contract's adapter. `Labeler` gives out the guarded service and nothing that
//! goes around it.

mod access;
mod database;
mod dataset;
mod datasets;
mod download;
mod downloads;
mod error;
mod files;
mod finishing;
mod ids;
mod import;
mod incoming;
mod intake;
mod inventory;
mod items;
mod labeler;
mod listing;
mod manifest;
mod page;
mod permission_service;
mod policy;
mod read_back;
mod receiver;
pub mod sample;
mod service;
mod settings;
mod sharing;
mod snapshot;
mod snapshot_service;
mod snapshots;
mod spec;
mod split_service;
mod splits;
mod status;
mod sweeping;
#[cfg(test)]
mod tests;
mod upload;
mod upload_service;
mod upload_wire;
mod uploads;
mod urls;
mod wire;

use std::sync::Arc;

use hallpass_token::UnixTime;

pub use labeler::{Labeler, NotReady, OpenError, Standing};
pub use settings::{FileStore, Quota, S3, Settings};

/// Tells the time; tests move it.
pub type Now = Arc<dyn Fn() -> UnixTime + Send + Sync>;
