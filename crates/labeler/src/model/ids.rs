//! The names that Labeler gives: ids and etags. And the one that clients give: request ids.
//!
//! Invariant: a text that is not exactly of an id's form never reaches the database.

use hallpass_store::{Id, IdKind};

pub(crate) use hallpass_store::{RequestId, etag};

use crate::error::Error;

/// A dataset's id: "ds_" and 128 random bits in lower-case hexadecimal digits.
pub(crate) type DatasetId = Id<DatasetKind>;

/// What a dataset's id is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DatasetKind {}

impl IdKind for DatasetKind {
    const PREFIX: &'static str = "ds_";
}

/// A snapshot's id: "sn_" and 128 random bits in lower-case hexadecimal digits.
pub(crate) type SnapshotId = Id<SnapshotKind>;

/// What a snapshot's id is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SnapshotKind {}

impl IdKind for SnapshotKind {
    const PREFIX: &'static str = "sn_";
}

/// An upload's id: "up_" and 128 random bits in lower-case hexadecimal digits.
pub(crate) type UploadId = Id<UploadKind>;

/// What an upload's id is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum UploadKind {}

impl IdKind for UploadKind {
    const PREFIX: &'static str = "up_";
}

/// 128 random bits.
pub(crate) fn random() -> Result<[u8; 16], Error> {
    hallpass_store::random().map_err(|_| Error::Chance)
}
