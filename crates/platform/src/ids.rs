//! The names that Platform gives: job ids and etags. And the one that clients give: request ids.
//!
//! Invariant: a text that is not exactly of an id's form never reaches the database.

use hallpass_store::{Id, IdKind};

pub(crate) use hallpass_store::{RequestId, etag};

use crate::error::Error;

/// A job's id: "job_" and 128 random bits in lower-case hexadecimal digits.
pub(crate) type JobId = Id<JobKind>;

/// What a job's id is of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum JobKind {}

impl IdKind for JobKind {
    const PREFIX: &'static str = "job_";
}

/// 128 random bits.
pub(crate) fn random() -> Result<[u8; 16], Error> {
    hallpass_store::random().map_err(|_| Error::Chance)
}
