//! Platform in a folder of its own, and the fake Labeler behind a real guard on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::{labeler, rule};
use hallpass_guard::{
    Actions, Attach, AttachLayer, Attached, Clock, Guard, GuardLayer, GuardSetup, Keys,
};
use hallpass_policy::Permit;
use hallpass_revocation::{Entry, Freshness, Index};
use hallpass_telemetry::ServiceTelemetry;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tower::Layer;

use super::callers::{self, NOW};
use super::fake::Fake;
use crate::database::Database;
use crate::{Platform, Setup, Training};

pub(super) struct World {
    pub(super) keys: Keys,
    pub(super) labeler: Fake,
    /// What Labeler's guard refuses.
    pub(super) revoked: Arc<Index>,
    pub(super) platform: Platform<Attached<Channel>>,
    /// What Platform and Labeler take for the time.
    pub(super) clock: Clock,
    address: SocketAddr,
    folder: TempDir,
    changes: watch::Sender<u64>,
}

impl World {
    /// With a Labeler that answers.
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Self::at(listener.local_addr().unwrap()).await;
        world.serve(listener);
        world
    }

    /// With a Labeler that is not there yet: its address is free.
    pub(super) async fn without_labeler() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::at(listener.local_addr().unwrap()).await
    }

    /// Starts Labeler where it is expected.
    pub(super) async fn start_labeler(&self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    /// Where Labeler is expected.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn permit(&self, method: &str, subject: &str) -> Permit {
        callers::permit(&self.keys, method, subject)
    }

    /// Platform's database, as another process sees it.
    pub(super) async fn database(&self) -> Database {
        let file = self.folder.path().join("platform/platform.sqlite");
        Database::open(&hallpass_store::testing::location(&file).await).await.unwrap()
    }

    /// The same Platform after a restart.
    pub(super) async fn reopened(&self) -> Platform<Attached<Channel>> {
        open(&self.folder, &self.keys, self.address, &self.clock).await
    }

    async fn at(address: SocketAddr) -> Self {
        let (keys, folder) = (callers::keys(), TempDir::new().unwrap());
        let clock = Clock::manual(NOW);
        let platform = open(&folder, &keys, address, &clock).await;
        let (labeler, revoked) = (Fake::default(), Arc::new(Index::default()));
        let changes = watch::Sender::new(0);
        Self { keys, labeler, revoked, platform, clock, address, folder, changes }
    }

    fn serve(&self, listener: TcpListener) {
        let datasets = labeler::serve_dataset_service(self.labeler.clone(), self.labeler.clone());
        let splits = labeler::serve_split_service(self.labeler.clone(), self.labeler.clone());
        let server = Server::builder()
            .layer(GuardLayer::new(self.guard(&self.revoked, &self.changes)))
            .add_service(datasets.service)
            .add_service(splits.service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        // The test's runtime ends it.
        tokio::spawn(server);
    }

    /// Labeler's guard refuses these from now on, open streams included.
    pub(super) fn revoke(&self, entries: &[Entry]) {
        self.revoked.insert(entries);
        self.changes.send_modify(|change| *change += 1);
    }

    /// A guard that refuses what is in this index and looks again when told of a change.
    pub(super) fn guard(&self, index: &Arc<Index>, changes: &watch::Sender<u64>) -> Arc<Guard> {
        Guard::start(GuardSetup {
            rules: rule,
            keys: self.keys.clone(),
            index: Arc::clone(index),
            changes: changes.subscribe(),
            freshness: Freshness::always(),
            clock: self.clock.clone(),
            actions: Actions::new(None, self.clock.clone()),
            sessions: None,
            node: 1,
            cache_bytes: GuardSetup::CACHE_BYTES,
        })
    }
}

async fn open(
    folder: &TempDir,
    keys: &Keys,
    labeler: SocketAddr,
    clock: &Clock,
) -> Platform<Attached<Channel>> {
    let attach = Attach::new("platform", keys.clone(), clock.clone(), rule).unwrap();
    let channel = Endpoint::from_shared(format!("http://{labeler}"))
        .unwrap()
        .connect_timeout(Duration::from_secs(5))
        .connect_lazy();
    let labeler = AttachLayer::new(attach).layer(channel);
    let folder = folder.path().join("platform");
    let database = hallpass_store::testing::location(&folder.join("platform.sqlite")).await;
    Platform::open_on(
        &database,
        Setup {
            folder,
            labeler,
            clock: clock.clone(),
            training: training(),
            telemetry: ServiceTelemetry::default(),
        },
    )
    .await
    .unwrap()
}

/// One trainer by name, and nobody who runs jobs.
fn training() -> Training {
    let trainer = hallpass_jobs::Trainer {
        program: "true".into(),
        arguments: Vec::new(),
        environment: std::collections::BTreeMap::new(),
        time_limit: Duration::from_mins(1),
        folder: None,
        scopes: vec!["labeler:read".to_owned()],
    };
    let trainers = [("stats".to_owned(), trainer)].into();
    Training { trainers, concurrency: 0, ..Training::default() }
}
