//! What an upload may cost, and where files are. The service's configuration fills this in; the defaults suit one machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use hallpass_store::S3;

/// How Labeler works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes of one file.
    pub max_file_bytes: u64,
    /// The most files of a dataset.
    pub max_files: usize,
    /// The most bytes of all files of a dataset.
    pub max_dataset_bytes: u64,
    /// The most classes of a dataset. Answers carry them all, so this bounds answers, too.
    pub max_classes: usize,
    /// The most uploads that one user has open at a time.
    pub max_open_uploads: u32,
    /// The most bytes that all of one user's open uploads hold together.
    pub max_open_bytes: u64,
    /// What a user's datasets may come to.
    pub quota: Quota,
    /// The most bytes of memory that all streams of uploads hold together; a user has a quarter of it. At least 192 MiB: a
    /// share has room for putting a big file together on S3.
    pub upload_memory_bytes: usize,
    /// How long after its last write an upload is dropped.
    pub upload_lifetime: Duration,
    /// How long a client that sends files may be silent.
    pub idle: Duration,
    /// How often what has expired is looked for.
    pub sweep_every: Duration,
    /// How many bytes of the disk uploads and changes leave free; by default as [`hallpass_store::Space::of`] says.
    pub keep_free: Option<u64>,
    /// Folders of this machine from which datasets may be made, by name.
    pub import_roots: BTreeMap<String, PathBuf>,
    /// Where the files of datasets are.
    pub files: FileStore,
    /// The name that storage grants give the data folder. A bucket has a name of its own.
    pub folder_bucket: String,
    /// What URLs of files in the data folder begin with; `None`: where Labeler listens.
    pub download_url: Option<String>,
}

/// What one user's datasets, and one dataset's snapshots and shares, may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The most datasets of one owner, open uploads of new ones included.
    pub datasets: u64,
    /// The most bytes of all datasets and snapshots of one owner together.
    pub bytes: u64,
    /// The most snapshots of one dataset.
    pub snapshots: u64,
    /// The most users that one dataset is shared with.
    pub shares: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { datasets: 1000, bytes: 1 << 40, snapshots: 100, shares: 1000 }
    }
}

impl Settings {
    /// The name that storage grants give the place of all files.
    pub fn bucket(&self) -> &str {
        match &self.files {
            FileStore::Folder => &self.folder_bucket,
            FileStore::S3(bucket) => &bucket.bucket,
        }
    }
}

/// Where the files of datasets are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FileStore {
    /// In the data folder.
    #[default]
    Folder,
    /// In a bucket.
    S3(S3),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_file_bytes: 4 << 30,
            max_files: 100_000,
            max_dataset_bytes: 16 << 30,
            max_classes: 2_000,
            max_open_uploads: 20,
            max_open_bytes: 64 << 30,
            quota: Quota::default(),
            upload_memory_bytes: 256 << 20,
            upload_lifetime: Duration::from_hours(24),
            idle: Duration::from_mins(1),
            sweep_every: Duration::from_mins(10),
            keep_free: None,
            import_roots: BTreeMap::new(),
            files: FileStore::Folder,
            folder_bucket: "datasets".to_owned(),
            download_url: None,
        }
    }
}

/// The most bytes of all paths of a dataset together: they are held in memory while it is made.
pub(crate) const MAX_PATH_BYTES: usize = 16 << 20;

/// The most bytes of one piece of an upload.
pub(crate) const MAX_PIECE: usize = 1 << 20;
