//! The files of datasets, in an object store: a local folder or S3.
//!
//! Invariant: a file's place is made of its dataset's id and a number, never of a name that a client sent. A local folder is cleared
//! through the file system, as only that finds what a broken-off write has left.

pub(crate) mod blocking_reader;
mod local;
mod urls;

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use hallpass_store::{Space, Taken};
use object_store::buffered::BufWriter;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::error::Error;
use crate::model::ids::DatasetId;
use crate::settings::S3;
use local::Local;
use urls::UrlSigner;

pub(crate) use urls::FileUrl;

/// Big files are put together in parts of this size, so many at once.
const PART: usize = 8 << 20;
const LOCAL_PART: usize = 1 << 20;
const PARTS_AT_ONCE: usize = 2;
const FOLDER: &str = "datasets";

/// How much is read at a time of a local folder, and of a bucket, whose every answer takes its time.
const LOCAL_READ: u64 = 64 << 10;
const BUCKET_READ: u64 = 256 << 10;

/// Where the files are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    store: Arc<dyn ObjectStore>,
    place: Place,
    /// Of the data folder, which holds the database even where the files are in a bucket.
    space: Space,
}

#[derive(Debug, Clone)]
enum Place {
    Local(Local),
    S3 {
        /// What all names begin with; empty or ends with a slash.
        prefix: String,
        signer: UrlSigner,
    },
}

impl Files {
    /// The files below a folder, which is made if there is none.
    pub(crate) fn local(root: &Path, space: Space) -> Result<Self, io::Error> {
        let (local, store) = Local::open(root, FOLDER)?;
        Ok(Self { store: Arc::new(store), place: Place::Local(local), space })
    }

    /// The files in a bucket.
    pub(crate) fn s3(at: &S3, space: Space) -> Result<Self, object_store::Error> {
        let trimmed = at.prefix.trim_matches('/');
        let prefix = if trimmed.is_empty() { String::new() } else { format!("{trimmed}/") };
        let bucket = Arc::new(at.bucket()?);
        let signer = UrlSigner(Arc::clone(&bucket));
        Ok(Self { store: bucket, place: Place::S3 { prefix, signer }, space })
    }

    /// Where a dataset's files are, relative to the store.
    pub(crate) fn place(id: &DatasetId) -> String {
        format!("{FOLDER}/{id}")
    }

    /// Whether the disk has room for what makes rows of the database.
    pub(crate) fn have_room(&self) -> Result<(), Error> {
        Ok(self.space.take(0).map(drop)?)
    }

    /// Takes the space of a file that is written together of parts; what of it is in memory at a time is taken until this is dropped.
    pub(crate) fn room_for(&self, size: u64) -> Result<Taken, Error> {
        let most = PART as u64 * (PARTS_AT_ONCE as u64 + 1);
        drop(self.take(size)?);
        self.take(size.min(most))
    }

    /// A bucket takes nothing of this disk.
    fn take(&self, bytes: u64) -> Result<Taken, Error> {
        Ok(self.space.take(if matches!(self.place, Place::Local(_)) { bytes } else { 0 })?)
    }

    /// Writes a whole file that is in memory.
    pub(crate) async fn put(&self, id: &DatasetId, number: u64, data: Bytes) -> Result<(), Error> {
        let _taken = self.take(data.len() as u64)?;
        let put = self.store.put(&self.location(id, number), data.into()).await;
        put.map(|_| ()).map_err(|error| failed("writing", &error))
    }

    /// Writes a file, holding at most a few parts of it in memory. One that is not shut down must be aborted.
    pub(crate) fn writer(&self, id: &DatasetId, number: u64) -> BufWriter {
        let location = self.location(id, number);
        BufWriter::with_capacity(Arc::clone(&self.store), location, self.part())
            .with_max_concurrency(PARTS_AT_ONCE)
    }

    /// The most memory that such a writer holds.
    pub(crate) const fn writer_bytes(&self) -> usize {
        self.part() * (PARTS_AT_ONCE + 1)
    }

    const fn part(&self) -> usize {
        match self.place {
            Place::Local(_) => LOCAL_PART,
            Place::S3 { .. } => PART,
        }
    }

    /// How many bytes of a file are best read at a time.
    pub(crate) const fn read_at_once(&self) -> u64 {
        match self.place {
            Place::Local(_) => LOCAL_READ,
            Place::S3 { .. } => BUCKET_READ,
        }
    }

    /// Reads a piece of a file: less than asked for if the file is too short, `None` if it is not there.
    pub(crate) async fn read(
        &self,
        id: &DatasetId,
        number: u64,
        range: Range<u64>,
    ) -> Result<Option<Bytes>, Error> {
        let (location, end) = (self.location(id, number), range.end);
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
        match self.store.delete(&self.location(id, number)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("removing", &error)),
        }
    }

    /// Removes all files of a dataset, whole and half-written ones.
    pub(crate) async fn remove(&self, id: &DatasetId) -> Result<(), Error> {
        if let Place::Local(local) = &self.place {
            return local
                .remove(&Self::place(id))
                .await
                .map_err(|error| failed("removing", &error));
        }
        for number in self.numbers(id).await? {
            self.remove_file(id, number).await?;
        }
        Ok(())
    }

    /// The numbers under which a dataset has files, half-written ones too.
    pub(crate) async fn numbers(&self, id: &DatasetId) -> Result<BTreeSet<u64>, Error> {
        let names = match &self.place {
            Place::Local(local) => local.names(&Self::place(id)).await,
            Place::S3 { prefix, .. } => {
                let folder = object_store::path::Path::from(format!("{prefix}{}", Self::place(id)));
                let found = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
                let found = found.map_err(|error| failed("listing", &error))?;
                Ok(found
                    .iter()
                    .filter_map(|found| found.location.filename().map(str::to_owned))
                    .collect())
            }
        };
        let names: Vec<String> = names.map_err(|error| failed("listing", &error))?;
        Ok(names.iter().filter_map(|name| name.split('#').next()?.parse().ok()).collect())
    }

    /// Removes what a write has left that never ended: the file of this number must be needed by nobody.
    pub(crate) async fn remove_remains(&self, id: &DatasetId, number: u64) -> Result<(), Error> {
        if let Place::Local(local) = &self.place {
            let removed = local.remove_begun(&Self::place(id), number).await;
            removed.map_err(|error| failed("removing", &error))?;
        }
        self.remove_file(id, number).await
    }

    /// The ids of all datasets that have files.
    pub(crate) async fn ids(&self) -> Result<Vec<DatasetId>, Error> {
        let names = match &self.place {
            Place::Local(local) => {
                local.names(FOLDER).await.map_err(|error| failed("listing", &error))?
            }
            Place::S3 { prefix, .. } => {
                let folder = object_store::path::Path::from(format!("{prefix}{FOLDER}"));
                let found = self.store.list_with_delimiter(Some(&folder)).await;
                let found = found.map_err(|error| failed("listing", &error))?;
                let name = |path: &object_store::path::Path| path.filename().map(str::to_owned);
                found.common_prefixes.iter().filter_map(name).collect()
            }
        };
        Ok(names.iter().filter_map(|name| DatasetId::parse(name)).collect())
    }

    /// When a file last came to a dataset or left it, in seconds since 1970: never, if it has none.
    pub(crate) async fn touched(&self, id: &DatasetId) -> Result<u64, Error> {
        match &self.place {
            Place::Local(local) => {
                let touched = local.touched(&Self::place(id)).await;
                touched.map_err(|error| failed("listing", &error))
            }
            Place::S3 { prefix, .. } => {
                let folder = object_store::path::Path::from(format!("{prefix}{}", Self::place(id)));
                let found = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
                let found = found.map_err(|error| failed("listing", &error))?;
                let last = found.iter().map(|found| found.last_modified.timestamp()).max();
                Ok(last.and_then(|last| u64::try_from(last).ok()).unwrap_or(0))
            }
        }
    }

    /// Whether the files can be reached.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        match &self.place {
            Place::Local(local) => {
                local.ping(FOLDER).await.map_err(|error| failed("listing", &error))
            }
            Place::S3 { prefix, .. } => {
                let folder = object_store::path::Path::from(format!("{prefix}{FOLDER}"));
                let mut found = self.store.list(Some(&folder));
                found.try_next().await.map(|_| ()).map_err(|error| failed("listing", &error))
            }
        }
    }

    /// Whether they are in a bucket that does not answer. One that refuses does.
    pub(crate) async fn is_away(&self) -> bool {
        let Place::S3 { prefix, .. } = &self.place else { return false };
        let nothing = object_store::path::Path::from(format!("{prefix}{FOLDER}/none"));
        let asked = self.store.head(&nothing).await;
        matches!(asked, Err(object_store::Error::Generic { .. }))
    }

    /// Returns once everything written so far survives a power failure. What a bucket has acknowledged does.
    pub(crate) async fn sync(&self) -> Result<(), Error> {
        match &self.place {
            Place::Local(local) => local.sync().await.map_err(|error| failed("syncing", &error)),
            Place::S3 { .. } => Ok(()),
        }
    }

    fn location(&self, id: &DatasetId, number: u64) -> object_store::path::Path {
        let prefix = match &self.place {
            Place::Local(_) => "",
            Place::S3 { prefix, .. } => prefix,
        };
        object_store::path::Path::from(format!("{prefix}{}/{number}", Self::place(id)))
    }
}

/// What a failure of the store means.
pub(crate) fn failed(action: &'static str, error: &(dyn StdError + 'static)) -> Error {
    let mut causes = std::iter::successors(Some(error), |cause| (*cause).source());
    let full = causes.any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            )
        )
    });
    if full { Error::DiskFull } else { Error::Files { action, cause: error.to_string() } }
}
