//! What only Labeler has settings for: where files of datasets are, and from where datasets may be made.
//!
//! Invariant: no secret is in a configuration. It stands in a variable or a file, and the configuration says in which.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Problem;

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
    /// What download URLs of files in the data folder begin with [default: where Labeler listens, unless that is every address].
    pub download_url: Option<String>,
    /// What one user's datasets may come to.
    pub limits: DatasetLimits,
}

/// What one user's datasets, and one dataset's snapshots and shares, may come to. None is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatasetLimits {
    /// The most datasets of one owner, open uploads of new ones included [default: 1000].
    pub datasets: u64,
    /// The most bytes of all datasets and snapshots of one owner together [default: 1 TiB].
    pub bytes: u64,
    /// The most snapshots of one dataset [default: 100].
    pub snapshots: u64,
    /// The most users that one dataset is shared with [default: 1000].
    pub shares: u64,
    /// The most uploads that one user has open at a time [default: 20].
    pub open_uploads: u32,
    /// The most bytes that all of one user's open uploads hold together [default: 64 GiB].
    pub open_bytes: u64,
    /// The most bytes of memory that all streams of uploads hold together, of which one user has a quarter [default: 256 MiB; at least
    /// 192 MiB].
    pub upload_memory_bytes: u64,
}

/// A quarter of this has room for putting a big file together on S3.
const LEAST_UPLOAD_MEMORY: u64 = 192 << 20;

impl Default for DatasetLimits {
    fn default() -> Self {
        Self {
            datasets: 1000,
            bytes: 1 << 40,
            snapshots: 100,
            shares: 1000,
            open_uploads: 20,
            open_bytes: 64 << 30,
            upload_memory_bytes: 256 << 20,
        }
    }
}

impl DatasetLimits {
    /// The first that nothing would fit in.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let Self {
            datasets,
            bytes,
            snapshots,
            shares,
            open_uploads,
            open_bytes,
            upload_memory_bytes,
        } = *self;
        if upload_memory_bytes < LEAST_UPLOAD_MEMORY
            || usize::try_from(upload_memory_bytes).is_err()
        {
            let problem =
                format!("{upload_memory_bytes} is too little: give {LEAST_UPLOAD_MEMORY} or more");
            let key = "labeler.limits.upload_memory_bytes".to_owned();
            return Err(Problem { key, source: None, problem });
        }
        let all = [
            ("datasets", datasets),
            ("bytes", bytes),
            ("snapshots", snapshots),
            ("shares", shares),
            ("open_uploads", open_uploads.into()),
            ("open_bytes", open_bytes),
        ];
        let Some((name, _)) = all.into_iter().find(|(_, most)| *most == 0) else { return Ok(()) };
        let problem = "0 allows nobody anything: give 1 or more".to_owned();
        Err(Problem { key: format!("labeler.limits.{name}"), source: None, problem })
    }
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
