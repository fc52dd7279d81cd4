//! The Labeler service: keeps datasets, their files and who may see them.
//!
//! Invariant: every way to a dataset goes through the contract's adapter. `Labeler` gives out the guarded service and nothing that
//! goes around it.

mod database;
mod download;
mod error;
mod files;
mod labeler;
mod page;
mod policy;
pub mod sample;
mod settings;
mod status;
#[cfg(test)]
mod tests;

/// What is kept and who may do what to it: plain data.
mod model {
    pub(crate) mod access;
    pub(crate) mod dataset;
    pub(crate) mod ids;
    pub(crate) mod manifest;
    pub(crate) mod snapshot;
    pub(crate) mod spec;
    pub(crate) mod stored_file;
}

/// `DatasetService` and `PermissionService`, with the store that all services share.
mod datasets {
    pub(crate) mod list;
    pub(crate) mod permission_service;
    pub(crate) mod permissions;
    pub(crate) mod service;
    pub(crate) mod store;
    pub(crate) mod wire;
}

/// `UploadService`: from a client's stream, or a folder of the server's, to a checked dataset.
mod uploads {
    pub(crate) mod commit;
    pub(crate) mod import;
    pub(crate) mod memory;
    pub(crate) mod partial_file;
    pub(crate) mod service;
    pub(crate) mod store;
    pub(crate) mod stream;
    pub(crate) mod sweep;
    pub(crate) mod target;
    pub(crate) mod turns;
    pub(crate) mod wire;
    pub(crate) mod writer;
}

/// `SnapshotService`: contents of a dataset that never change.
mod snapshots {
    pub(crate) mod service;
    pub(crate) mod store;
    pub(crate) mod wire;
}

/// `SplitService`: items, and which split each is in.
mod splits {
    mod column;
    pub(crate) mod items;
    pub(crate) mod ratios;
    pub(crate) mod service;
    pub(crate) mod units;
    pub(crate) mod wire;
}

use std::sync::Arc;

use hallpass_token::UnixTime;

pub use download::fetch::DOWNLOAD_PATH;
pub use labeler::{Labeler, NotReady, OpenError, Standing};
pub use settings::{FileStore, Quota, S3, Settings};

/// Tells the time; tests move it.
pub type Now = Arc<dyn Fn() -> UnixTime + Send + Sync>;
