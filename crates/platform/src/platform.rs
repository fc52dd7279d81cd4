//! Puts the service together.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_contract::platform::{
    serve_dataset_service, serve_job_service, serve_permission_service, serve_snapshot_service,
    serve_split_service, serve_upload_service,
};
use hallpass_guard::Clock;
use hallpass_jobs::{Artifacts, Engine};
use hallpass_policy::adapter::{GrpcService, Served};
use hallpass_store::{Location, Space};
use hallpass_telemetry::ServiceTelemetry;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::database::{Database, Kept};
use crate::dataset_service::DatasetHandler;
use crate::handover::Handover;
use crate::ids;
use crate::job_service::JobHandler;
use crate::jobs::Jobs;
use crate::labeler::{LabelerClient, Peer};
use crate::page::PageKey;
use crate::permission_service::PermissionHandler;
use crate::runner::{ArtifactStore, News, Runner, Training};
use crate::snapshot_service::SnapshotHandler;
use crate::split_service::SplitHandler;
use crate::upload_service::UploadHandler;

/// What Platform needs to open.
#[derive(Debug)]
pub struct Setup<S> {
    /// The folder that holds its own database; made if it is not there.
    pub folder: PathBuf,
    /// The way to Labeler, with the layers that put tokens and traces on its calls. It need not be connected.
    pub labeler: S,
    /// Tells the time.
    pub clock: Clock,
    /// How jobs are run.
    pub training: Training,
    /// In whose name the jobs' spans are reported.
    pub telemetry: ServiceTelemetry,
}

/// Why Platform cannot open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("cannot make the folder {folder}: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The store for the jobs' results cannot be used.
    #[error("the store of results: {0}")]
    Artifacts(#[from] object_store::Error),
    /// The database cannot be opened or brought up to date.
    #[error("database: {0}")]
    Database(#[from] hallpass_store::OpenError),
    /// The database does not give its own key, or a damaged one.
    #[error("database: {0}")]
    PageKey(String),
    /// The system gives no random bits.
    #[error("no random bits")]
    Chance,
}

/// Why Platform cannot serve at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

/// The Platform service: jobs, and datasets as users see them. Clones share everything.
#[derive(Debug, Clone)]
pub struct Platform<S> {
    database: Database,
    pub(crate) datasets: DatasetHandler<S>,
    pub(crate) jobs: JobHandler<S>,
    pub(crate) access: Access<S>,
    runner: Runner<S>,
}

impl<S: Peer> Platform<S> {
    /// Opens the folder's own database and serves from it. Labeler need not be there.
    pub async fn open(setup: Setup<S>) -> Result<Self, OpenError> {
        Self::open_on(&own_database(&setup.folder), setup).await
    }

    /// Opens this database and serves from it. Labeler need not be there.
    pub async fn open_on(database: &Location, setup: Setup<S>) -> Result<Self, OpenError> {
        let Setup { folder, labeler, clock, training, telemetry } = setup;
        // Trainers run elsewhere.
        let folder = std::path::absolute(&folder)
            .map_err(|error| OpenError::Folder { folder: folder.clone(), error })?;
        private_folder(&folder.join("jobs"))
            .map_err(|error| OpenError::Folder { folder: folder.clone(), error })?;
        let space = Space::of(&folder, training.keep_free);
        let artifacts = artifacts(&training.artifacts, &folder, &space)?;
        let database = Database::open(database).await?;
        let proposed = [random()?, random()?].concat();
        let key = database.own_key("pages", &proposed).await;
        let key = key.map_err(|error| OpenError::PageKey(error.to_string()))?;
        let pages = PageKey::new(&key)
            .ok_or_else(|| OpenError::PageKey("its page key is damaged".to_owned()))?;
        let (news, aborts) = (News::new(), News::new());
        let runner = Runner {
            database: database.clone(),
            engine: Engine {
                labeler: labeler.clone(),
                artifacts: artifacts.clone(),
                folder: folder.join("jobs"),
                trainers: Arc::new(training.trainers),
                grace: training.grace,
                most_bytes: training.limits.result_bytes,
                space: space.clone(),
            },
            kept: Kept { jobs: training.limits.kept, bytes: training.limits.kept_bytes },
            dispatched: training.limits.dispatched,
            retries: training.retries,
            clock: clock.clone(),
            concurrency: training.concurrency,
            telemetry,
            worker: ids::etag(random()?),
            news: news.clone(),
            aborts: aborts.clone(),
        };
        let limits = training.limits;
        let trainers = Arc::clone(&runner.engine.trainers);
        let bounds = (limits.queued, space);
        let jobs = Jobs::new(database.clone(), pages, clock, (trainers, bounds), (news, aborts));
        let labeler = LabelerClient::new(labeler);
        Ok(Self {
            datasets: DatasetHandler { labeler: labeler.clone() },
            jobs: JobHandler { jobs: Arc::new(jobs), labeler: labeler.clone(), artifacts },
            access: Access::new(database.clone(), labeler),
            database,
            runner,
        })
    }

    /// The datasets' service. It depends on Labeler, as all but the jobs' do: see [`is_serving`](crate::is_serving).
    pub fn datasets(&self) -> Served<impl GrpcService + use<S>> {
        serve_dataset_service(DatasetHandler { labeler: self.labeler() }, self.access.clone())
    }

    /// The service of who may use what.
    pub fn permissions(&self) -> Served<impl GrpcService + use<S>> {
        serve_permission_service(PermissionHandler { labeler: self.labeler() }, self.access.clone())
    }

    /// The snapshots' service.
    pub fn snapshots(&self) -> Served<impl GrpcService + use<S>> {
        serve_snapshot_service(SnapshotHandler { labeler: self.labeler() }, self.access.clone())
    }

    /// The splits' service.
    pub fn splits(&self) -> Served<impl GrpcService + use<S>> {
        serve_split_service(SplitHandler { labeler: self.labeler() }, self.access.clone())
    }

    /// The uploads' service.
    pub fn uploads(&self) -> Served<impl GrpcService + use<S>> {
        serve_upload_service(UploadHandler { labeler: self.labeler() }, self.access.clone())
    }

    /// The jobs' service. Reading jobs needs no Labeler.
    pub fn jobs(&self) -> Served<impl GrpcService + use<S>> {
        serve_job_service(self.jobs.clone(), self.access.clone())
    }

    /// Runs jobs until told to stop. Trainers that run then are ended; their jobs go on after the next start.
    pub fn run_jobs(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<S> {
        self.runner.clone().run(stop)
    }

    /// Lends jobs to another engine, and makes its attempts.
    pub fn handover(&self) -> Handover<S> {
        Handover { runner: self.runner.clone() }
    }

    fn labeler(&self) -> LabelerClient<S> {
        self.datasets.labeler.clone()
    }

    /// Whether the database answers.
    pub async fn is_healthy(&self) -> bool {
        self.ready().await.is_ok()
    }

    /// Why Platform cannot serve jobs at the moment, if it cannot.
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.database.ping().await.map_err(|error| NotReady(format!("database: {error}")))
    }

    /// Ends the connections to the database. Calls that still come are refused.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Where a folder keeps Platform's database when it has one of its own.
pub fn own_database(folder: &Path) -> Location {
    Location::Sqlite(folder.join("platform.sqlite"))
}

/// Makes a folder for this user's eyes, if it is not there.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The store of results.
fn artifacts(store: &ArtifactStore, folder: &Path, space: &Space) -> Result<Artifacts, OpenError> {
    match store {
        ArtifactStore::Folder => {
            let folder = folder.join("artifacts");
            private_folder(&folder)
                .map_err(|error| OpenError::Folder { folder: folder.clone(), error })?;
            Ok(Artifacts::folder(&folder, space.clone())?)
        }
        ArtifactStore::S3(at) => Ok(Artifacts::below(at.bucket()?, &at.prefix)),
    }
}

fn random() -> Result<[u8; 16], OpenError> {
    ids::random().map_err(|_| OpenError::Chance)
}
