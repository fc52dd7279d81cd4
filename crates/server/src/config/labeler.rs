//! What only Labeler has settings for: where files of datasets are, and from where datasets may be made.
//!
//! Invariant: no secret is in a configuration. It stands in a variable or a file, and the configuration says in which.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// Labeler's own section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelerSection {
    /// Folders of the server from which datasets may be made, by name.
    pub import_roots: BTreeMap<String, PathBuf>,
    /// The name that tokens' storage grants give the data folder [default: datasets]. A bucket has a name of its own.
    pub bucket: Option<String>,
    /// The bucket for the files of datasets; without it they are in the data folder.
    pub files: Option<BucketSection>,
}

/// A bucket of a store that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSection {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Where the store answers; Amazon's own if it is not said.
    pub endpoint: Option<String>,
    /// What the names of all objects begin with.
    #[serde(default)]
    pub prefix: String,
    /// Where the id of the access key is: `env:NAME` or `file:PATH`.
    pub access_key_id: String,
    /// Where the secret of the access key is: `env:NAME` or `file:PATH`.
    pub secret_access_key: String,
}
