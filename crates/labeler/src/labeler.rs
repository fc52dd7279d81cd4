//! Labeler as a whole: opens its folder, serves its datasets, says whether it can.
//!
//! Invariant: what is swept at the start is nobody's. Over SQLite one process has the data folder at a time, so what has no rows is
//! not in use; over PostgreSQL others may be writing, so only what has been quiet for long is.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use hallpass_contract::labeler::{
    serve_dataset_service, serve_permission_service, serve_snapshot_service, serve_split_service,
    serve_upload_service,
};
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_store::{Location, Space};
use hallpass_telemetry::spawn_watched;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Response, Uri};

use crate::Now;
use crate::database::Database;
use crate::datasets::permission_service::PermissionHandlers;
use crate::datasets::service::Handlers;
use crate::datasets::store::Datasets;
use crate::download::signature::UrlKey;
use crate::error::Error;
use crate::files::Files;
use crate::model::ids::random;
use crate::page::PageKey;
use crate::policy::DatasetPolicy;
use crate::settings::{FileStore, Settings};
use crate::snapshots::service::SnapshotHandlers;
use crate::splits::service::SplitHandlers;
use crate::uploads::memory::UploadMemory;
use crate::uploads::service::UploadHandlers;
use crate::uploads::target::Claims;
use crate::uploads::turns::Turns;

/// Files without rows that another process may be writing are left alone until nothing has come to them for so many seconds.
const QUIET: u64 = 24 * 60 * 60;

/// Held by the one process that has a data folder.
const LOCK: &str = "labeler.lock";

/// The Labeler service over one data folder.
#[derive(Debug)]
pub struct Labeler {
    pub(crate) datasets: Arc<Datasets>,
    /// Ends with this.
    sweeping: AbortHandle,
    /// Held as long as the folder is in use by this process alone.
    _lock: Option<File>,
}

/// Why Labeler does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder cannot be made or written.
    #[error("data folder {}: {cause}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another process has the data folder.
    #[error(
        "data folder {}: another Labeler is using it, and one SQLite file serves one process; right: end the other, use another \
         folder, or give both a PostgreSQL database, with `database = \"env:NAME\"` or `--database env:NAME`, where the variable \
         NAME holds postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        .0.display()
    )]
    InUse(PathBuf),
    /// The bucket's description is not one.
    #[error("files: {0}")]
    Bucket(String),
    /// The database cannot be opened or brought up to date.
    #[error("database: {0}")]
    Database(String),
    /// What an earlier process left behind cannot be swept.
    #[error("sweeping: {0}")]
    Sweep(String),
}

/// Why Labeler cannot serve at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

/// Tells whether Labeler can serve.
#[derive(Debug, Clone)]
pub struct Standing(Arc<Datasets>);

impl Standing {
    /// Whether the database and the files can be reached.
    pub async fn check(self) -> Result<(), NotReady> {
        let Self(datasets) = self;
        datasets.database.ping().await.map_err(|error| NotReady(format!("database: {error}")))?;
        datasets.files.ping().await.map_err(|error| NotReady(error.to_string()))
    }
}

impl Labeler {
    /// Opens a data folder, or makes it, with its own SQLite file.
    pub async fn open(data: &Path, settings: Settings, now: Now) -> Result<Self, OpenError> {
        Self::open_on(&Self::own_database(data), data, settings, now).await
    }

    /// Where a data folder keeps its database when it has one of its own.
    pub fn own_database(data: &Path) -> Location {
        Location::Sqlite(data.join("labeler.sqlite"))
    }

    /// Whether no process has this data folder for itself at the moment; a folder that is not there is free.
    pub fn is_free(data: &Path) -> Result<(), OpenError> {
        if data.join(LOCK).exists() { lock(data).map(drop) } else { Ok(()) }
    }

    /// Opens a data folder, or makes it, with this database, and sweeps what broken uploads and deletions have left in it.
    ///
    /// Several processes may have the same folder if they have the same PostgreSQL database, too.
    pub async fn open_on(
        database: &Location,
        data: &Path,
        settings: Settings,
        now: Now,
    ) -> Result<Self, OpenError> {
        let in_folder = |cause| OpenError::Folder { folder: data.to_owned(), cause };
        make_folder(data).map_err(in_folder)?;
        let shared = database.is_shared();
        let lock = if shared { None } else { Some(lock(data)?) };
        let space = Space::of(data, settings.keep_free);
        let files = match &settings.files {
            FileStore::Folder => Files::local(&data.join("files"), space).map_err(in_folder)?,
            FileStore::S3(bucket) => {
                Files::s3(bucket, space).map_err(|error| OpenError::Bucket(error.to_string()))?
            }
        };
        let in_database = |error: &dyn std::fmt::Display| OpenError::Database(error.to_string());
        let database = Database::open(database).await.map_err(|error| in_database(&error))?;
        let pages = page_key(&database).await.map_err(|error| in_database(&error))?;
        let url_key = url_key(&database).await.map_err(|error| in_database(&error))?;
        let tasks = TaskTracker::new();
        tasks.close();
        let (settings, claims) = (Arc::new(settings), Claims::default());
        let (address, memory) = (OnceLock::new(), UploadMemory::new(settings.upload_memory_bytes));
        let memory = Arc::new(memory);
        let (reading, walking) = (Turns::for_reading(), Turns::for_walking());
        let datasets = Datasets {
            database,
            files,
            settings,
            now,
            pages,
            url_key,
            address,
            tasks,
            claims,
            memory,
            reading,
            walking,
        };
        let datasets = Arc::new(datasets);
        let in_sweep = |error: Error| OpenError::Sweep(error.to_string());
        let swept = datasets.sweep_uploads(!shared).await;
        let swept = match swept {
            Ok(()) => sweep(&datasets, if shared { QUIET } else { 0 }).await,
            failed => failed,
        };
        match swept {
            // A bucket that is away is waited for: until it answers, health says that this service cannot serve.
            Err(error @ Error::Files { .. }) if datasets.files.is_away().await => {
                tracing::warn!(%error, "the bucket does not answer: it is waited for, and swept later");
            }
            swept => swept.map_err(in_sweep)?,
        }
        let sweeping = Arc::clone(&datasets).keep_sweeping(datasets.settings.sweep_every);
        let sweeping = spawn_watched("labeler sweep", sweeping).abort_handle();
        Ok(Self { datasets, sweeping, _lock: lock })
    }

    /// The dataset service, behind its adapter and its object check.
    pub fn datasets(&self) -> Served<impl GrpcService + use<>> {
        serve_dataset_service(Handlers::new(self.store()), self.policy())
    }

    /// The service of who may use what.
    pub fn permissions(&self) -> Served<impl GrpcService + use<>> {
        serve_permission_service(PermissionHandlers::new(self.store()), self.policy())
    }

    /// The snapshots' service.
    pub fn snapshots(&self) -> Served<impl GrpcService + use<>> {
        serve_snapshot_service(SnapshotHandlers::new(self.store()), self.policy())
    }

    /// The splits' service.
    pub fn splits(&self) -> Served<impl GrpcService + use<>> {
        serve_split_service(SplitHandlers::new(self.store()), self.policy())
    }

    /// The uploads' service.
    pub fn uploads(&self) -> Served<impl GrpcService + use<>> {
        serve_upload_service(UploadHandlers::new(self.store()), self.policy())
    }

    /// What answers download URLs of files in the data folder, at [`DOWNLOAD_PATH`](crate::DOWNLOAD_PATH).
    pub fn downloads(
        &self,
    ) -> impl Fn(Uri, HeaderMap) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>
    + Send
    + Sync
    + use<> {
        let store = self.store();
        move |uri, headers| Box::pin(Arc::clone(&store).fetch(uri, headers))
    }

    /// Says where clients reach this process, such as `https://10.0.0.7:8012`. The first address counts.
    pub fn answers_at(&self, url: &str) {
        let _ = self.datasets.address.set(url.to_owned());
    }

    fn store(&self) -> Arc<Datasets> {
        Arc::clone(&self.datasets)
    }

    fn policy(&self) -> DatasetPolicy {
        DatasetPolicy::new(self.store())
    }

    /// Whether the database and the files can be reached.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.standing().check().await
    }

    /// What can be asked that for as long as this Labeler is open.
    pub fn standing(&self) -> Standing {
        Standing(self.store())
    }

    /// Waits until every upload and every removal that is under way is over. At shutdown, after the last call.
    pub async fn settled(&self) {
        self.datasets.tasks.wait().await;
    }

    /// Waits for what is under way and closes the database.
    pub async fn close(self) {
        self.sweeping.abort();
        self.datasets.reading.close();
        self.settled().await;
        self.datasets.database.close().await;
    }
}

impl Drop for Labeler {
    fn drop(&mut self) {
        self.sweeping.abort();
    }
}

fn make_folder(folder: &Path) -> Result<(), io::Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn lock(data: &Path) -> Result<File, OpenError> {
    let in_folder = |cause| OpenError::Folder { folder: data.to_owned(), cause };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(data.join(LOCK));
    let file = file.map_err(in_folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(data.to_owned())),
        Err(TryLockError::Error(cause)) => Err(in_folder(cause)),
    }
}

async fn page_key(database: &Database) -> Result<PageKey, Error> {
    let proposed = [random()?, random()?].concat();
    let key = database.own_key("page tokens", &proposed).await?;
    PageKey::new(&key)
        .ok_or_else(|| sqlx::Error::Decode("the key of page tokens is damaged".into()).into())
}

async fn url_key(database: &Database) -> Result<UrlKey, Error> {
    let proposed = [random()?, random()?].concat();
    Ok(UrlKey::new(&database.own_key("download URLs", &proposed).await?))
}

/// Removes the files of datasets that have no rows, if nothing has come to them for so many seconds.
async fn sweep(datasets: &Datasets, quiet: u64) -> Result<(), Error> {
    let quiet_since = (datasets.now)().as_secs().saturating_sub(quiet);
    for id in datasets.files.ids().await? {
        if datasets.files.touched(&id).await? <= quiet_since
            && !datasets.database.holds(&id).await?
        {
            tracing::info!(dataset_id = %id, "sweeping files that belong to no dataset");
            datasets.files.remove(&id).await?;
        }
    }
    Ok(())
}
