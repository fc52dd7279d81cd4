//! The operations that a token can name, and their short codes.
//!
//! Invariant: a name that is not in this table grants nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{GrantError, Level, strings};

/// Codes and operations; the part that each operation takes.
const OPERATIONS: [(&str, &str, Level); 38] = [
    ("g", "s3:GetObject", Level::Read),
    ("p", "s3:PutObject", Level::Write),
    ("d", "s3:DeleteObject", Level::Write),
    ("l", "s3:ListBucket", Level::Read),
    ("la", "s3:ListAllMyBuckets", Level::Read),
    ("gv", "s3:GetObjectVersion", Level::Read),
    ("pa", "s3:PutObjectAcl", Level::Admin),
    ("amu", "s3:AbortMultipartUpload", Level::Write),
    ("gm", "s3:GetObjectMetadata", Level::Read),
    ("pm", "s3:PutObjectMetadata", Level::Write),
    ("dm", "s3:DeleteObjectMetadata", Level::Write),
    ("gl", "s3:GetObjectLockConfiguration", Level::Read),
    ("pl", "s3:PutObjectLockConfiguration", Level::Admin),
    ("dl", "s3:DeleteObjectLockConfiguration", Level::Admin),
    ("gt", "s3:GetObjectTagging", Level::Read),
    ("pt", "s3:PutObjectTagging", Level::Write),
    ("dt", "s3:DeleteObjectTagging", Level::Write),
    ("gr", "s3:GetObjectRetention", Level::Read),
    ("pr", "s3:PutObjectRetention", Level::Admin),
    ("dr", "s3:DeleteObjectRetention", Level::Admin),
    ("gc", "s3:GetObjectLegalHold", Level::Read),
    ("pc", "s3:PutObjectLegalHold", Level::Admin),
    ("dc", "s3:DeleteObjectLegalHold", Level::Admin),
    ("gb", "s3:GetBucketLocation", Level::Read),
    ("pb", "s3:PutBucketLocation", Level::Admin),
    ("db", "s3:DeleteBucketLocation", Level::Admin),
    ("gbl", "s3:GetBucketLifecycle", Level::Read),
    ("pbl", "s3:PutBucketLifecycle", Level::Admin),
    ("dbl", "s3:DeleteBucketLifecycle", Level::Admin),
    ("gbt", "s3:GetBucketTagging", Level::Read),
    ("pbt", "s3:PutBucketTagging", Level::Admin),
    ("dbt", "s3:DeleteBucketTagging", Level::Admin),
    ("gba", "s3:GetBucketAcl", Level::Read),
    ("pba", "s3:PutBucketAcl", Level::Admin),
    ("dba", "s3:DeleteBucketAcl", Level::Admin),
    ("gbp", "s3:GetBucketPolicy", Level::Read),
    ("pbp", "s3:PutBucketPolicy", Level::Admin),
    ("dbp", "s3:DeleteBucketPolicy", Level::Admin),
];

/// What a claim of permissions names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// What is in the table.
    pub(super) known: BTreeSet<&'static str>,
    /// What is not: two spellings of a token agree on it, too, or they disagree.
    pub(super) unknown: BTreeSet<String>,
}

/// Reads codes and whole names, mixed or not.
pub(super) fn read(claim: &'static str, value: &Value) -> Result<Named, GrantError> {
    let mut named = Named::default();
    for text in strings(claim, value)? {
        let found = OPERATIONS.iter().find(|(code, name, _)| *code == text || *name == text);
        match found {
            Some((_, name, _)) if !named.known.insert(name) => {
                return Err(GrantError::Malformed { claim, problem: "names something twice" });
            }
            Some(_) => {}
            None => {
                named.unknown.insert(text);
            }
        }
    }
    Ok(named)
}

/// Writes codes.
pub(super) fn write(permissions: &BTreeSet<&'static str>) -> Value {
    let code = |name: &&'static str| OPERATIONS.iter().find(|(_, known, _)| known == name);
    permissions.iter().filter_map(code).map(|(code, ..)| Value::from(*code)).collect()
}

/// The operation of this name or code.
pub(super) fn find(text: &str) -> Option<&'static str> {
    let found = OPERATIONS.iter().find(|(code, name, _)| *code == text || *name == text);
    found.map(|(_, name, _)| *name)
}

/// The part that an operation takes; the greatest for one that is not known.
pub(super) fn level(operation: &str) -> Level {
    let found = OPERATIONS.iter().find(|(_, name, _)| *name == operation);
    found.map_or(Level::Admin, |(.., level)| *level)
}
