//! The names that Labeler gives: dataset ids and etags. And the one that clients give: request ids.
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

/// 128 random bits.
pub(crate) fn random() -> Result<[u8; 16], Error> {
    hallpass_store::random().map_err(|_| Error::Chance)
}
