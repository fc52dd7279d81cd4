//! The files of datasets, in an object store.
//!
//! Invariant: a file's place is made of its dataset's id and a number, never of a name that a client sent. Folders are removed
//! through the file system, as only that finds what a broken-off write has left; a store beyond this machine will list instead.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::Error;
use crate::ids::DatasetId;

/// A file up to this size is written in one go, a bigger one in parts of it. (S3 will want parts of 5 MiB at least.)
const PART: usize = 1 << 20;
const PARTS_AT_ONCE: usize = 2;
const FOLDER: &str = "datasets";

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    store: Arc<dyn ObjectStore>,
    root: PathBuf,
}

impl Files {
    /// The files below a folder that exists.
    pub(crate) fn local(root: &Path) -> Result<Self, io::Error> {
        std::fs::create_dir_all(root.join(FOLDER))?;
        // On Linux, one `syncfs` before the commit stands for an fsync of each file.
        let store =
            LocalFileSystem::new_with_prefix(root)?.with_fsync(cfg!(not(target_os = "linux")));
        Ok(Self { store: Arc::new(store), root: root.to_owned() })
    }

    /// Where a dataset's files are, relative to the store.
    pub(crate) fn place(id: &DatasetId) -> String {
        format!("{FOLDER}/{id}")
    }

    /// Writes a file, holding at most a few parts of it in memory.
    pub(crate) fn writer(&self, id: &DatasetId, number: u32) -> BufWriter {
        BufWriter::with_capacity(Arc::clone(&self.store), location(id, number), PART)
            .with_max_concurrency(PARTS_AT_ONCE)
    }

    /// Reads a piece of a file: less than asked for if the file is too short, `None` if it is not there.
    pub(crate) async fn read(
        &self,
        id: &DatasetId,
        number: u32,
        range: Range<u64>,
    ) -> Result<Option<Bytes>, Error> {
        let (location, end) = (location(id, number), range.end);
        let error = match self.store.get_range(&location, range).await {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => error,
        };
        match self.store.head(&location).await {
            Ok(file) if file.size < end => Ok(Some(Bytes::new())),
            _ => Err(failed("reading", &error)),
        }
    }

    /// Removes one file, if it is there.
    pub(crate) async fn remove_file(&self, id: &DatasetId, number: u64) -> Result<(), Error> {
        let location = object_store::path::Path::from(format!("{}/{number}", Self::place(id)));
        match self.store.delete(&location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("removing", &error)),
        }
    }

    /// Removes all files of a dataset, whole and half-written ones.
    pub(crate) async fn remove(&self, id: &DatasetId) -> Result<(), Error> {
        match tokio::fs::remove_dir_all(self.root.join(Self::place(id))).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("removing", &error))
            }
            _ => Ok(()),
        }
    }

    /// The ids of all datasets that have files.
    pub(crate) async fn ids(&self) -> Result<Vec<DatasetId>, Error> {
        let mut ids = Vec::new();
        let mut folder = self.folder().await?;
        while let Some(entry) =
            folder.next_entry().await.map_err(|error| failed("listing", &error))?
        {
            ids.extend(entry.file_name().to_str().and_then(DatasetId::parse));
        }
        Ok(ids)
    }

    /// When a file last came to a dataset or left it, in seconds since 1970: never, if it has none.
    pub(crate) async fn touched(&self, id: &DatasetId) -> Result<u64, Error> {
        let found = tokio::fs::metadata(self.root.join(Self::place(id))).await;
        let modified = match found.and_then(|folder| folder.modified()) {
            Ok(modified) => modified,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(failed("listing", &error)),
        };
        let since = modified.duration_since(std::time::UNIX_EPOCH);
        Ok(since.map_or(0, |since| since.as_secs()))
    }

    /// Whether the files can be reached.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.folder().await.map(|_| ())
    }

    /// Returns once everything written so far survives a power failure.
    pub(crate) async fn sync(&self) -> Result<(), Error> {
        #[cfg(target_os = "linux")]
        {
            let root = self.root.clone();
            let synced = tokio::task::spawn_blocking(move || {
                Ok(rustix::fs::syncfs(std::fs::File::open(root)?)?)
            });
            let synced: Result<(), io::Error> =
                synced.await.unwrap_or_else(|lost| Err(io::Error::other(lost)));
            synced.map_err(|error| failed("syncing", &error))?;
        }
        Ok(())
    }

    async fn folder(&self) -> Result<tokio::fs::ReadDir, Error> {
        let folder = tokio::fs::read_dir(self.root.join(FOLDER)).await;
        folder.map_err(|error| failed("listing", &error))
    }
}

/// What a failure of the store means.
pub(crate) fn failed(action: &'static str, error: &(dyn StdError + 'static)) -> Error {
    let mut causes = std::iter::successors(Some(error), |cause| (*cause).source());
    let full = causes.any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    });
    if full { Error::DiskFull } else { Error::Files { action, cause: error.to_string() } }
}

fn location(id: &DatasetId, number: u32) -> object_store::path::Path {
    object_store::path::Path::from(format!("{}/{number}", Files::place(id)))
}
