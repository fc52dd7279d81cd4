//! What each call needs of a caller's storage grants: the one place that maps an RPC to the operation of a store that speaks S3.
//!
//! Invariant: grants only ever take away. A caller without any is governed by the object check alone; a caller with some does what is
//! named here, where the bucket and the operation are both granted; an RPC that is not named here is refused to them.

use hallpass_policy::{Denial, Permit, Rule};
use hallpass_token::Grants;

/// What a call needs in the bucket of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it asks what the caller may do, or is about no stored object.
    Nothing,
    /// Something, whatever it is: only Labeler's database answers.
    Anything,
    /// This operation.
    Operation(&'static str),
    /// The RPC is not known here.
    Unknown,
}

/// Reads what is stored.
const GET: Need = Need::Operation("s3:GetObject");
/// Lists what is stored.
const LIST: Need = Need::Operation("s3:ListBucket");
/// Stores, or changes what is stored and who may use it.
const PUT: Need = Need::Operation("s3:PutObject");
/// Removes what is stored.
const DELETE: Need = Need::Operation("s3:DeleteObject");

impl Need {
    /// Of the RPC that this rule is for. Platform's and Labeler's methods have the same names.
    pub fn of(rule: &Rule) -> Self {
        match rule.method {
            "DownloadDataset" | "GetDownloadUrl" | "DownloadSnapshot" | "CreateJob"
            | "RetryJob" => GET,
            "ListDatasets" | "ListItems" | "ListSnapshots" | "ListSnapshotFiles"
            | "DiffSnapshots" | "ListUploads" | "ListUploadFiles" => LIST,
            "CreateDataset" | "UpdateDataset" | "AssignSplits" | "CreateSnapshot"
            | "CreateUpload" | "CreateRevision" | "WriteFiles" | "FinishUpload"
            | "CancelUpload" | "ImportFolder" | "GrantPermission" | "RevokePermission"
            | "SetVisibility" | "TransferOwnership" => PUT,
            "DeleteDataset" | "DeleteSnapshot" => DELETE,
            "GetDataset" | "BatchGetDatasets" | "GetSnapshot" | "GetUpload" | "ListPermissions" => {
                Self::Anything
            }
            "CheckPermission" => Self::Nothing,
            _ => Self::Unknown,
        }
    }

    /// How a refusal names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operation(operation) => operation,
            Self::Nothing | Self::Anything => "any operation",
            Self::Unknown => "an operation of an RPC without a row",
        }
    }

    fn is_met(self, grants: &Grants, bucket: &str) -> bool {
        match self {
            Self::Nothing => true,
            Self::Anything => grants.reach(bucket),
            Self::Operation(operation) => grants.allow(operation, bucket),
            Self::Unknown => false,
        }
    }
}

/// Whether the call that the permit let through may go on to what lies in this bucket.
pub fn check(permit: &Permit, bucket: &str) -> Result<(), Denial> {
    let Some(grants) = permit.grants() else { return Ok(()) };
    let need = Need::of(permit.rule());
    if need.is_met(grants, bucket) { Ok(()) } else { Err(Denial::StorageNotGranted(need.name())) }
}

/// Whether the caller may change what lies in this bucket, whatever the call itself is.
pub fn check_writing(permit: &Permit, bucket: &str) -> Result<(), Denial> {
    match permit.grants() {
        Some(grants) if !PUT.is_met(grants, bucket) => Err(Denial::StorageNotGranted(PUT.name())),
        _ => Ok(()),
    }
}

/// Whether it may go on at all: there is a bucket in which it may. Which one it will be, the next service knows.
pub fn check_somewhere(permit: &Permit) -> Result<(), Denial> {
    let Some(grants) = permit.grants() else { return Ok(()) };
    let need = Need::of(permit.rule());
    if grants.buckets.iter().any(|bucket| need.is_met(grants, bucket)) {
        Ok(())
    } else {
        Err(Denial::StorageNotGranted(need.name()))
    }
}
