//! The worker that runs jobs on Temporal: beside Platform in one process, or a process of its own on Platform's database and keys.

use std::path::Path;

use hallpass_guard::Clock;
use hallpass_platform::{Handover, Platform, Setup};
use hallpass_server::{Config, Shutdown};
use hallpass_telemetry::{ServiceTelemetry, Telemetry};
use hallpass_temporal::{JobWorker, Settings, Tls};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::rings::ring_file;
use crate::serve::node::{self, Way};
use crate::serve::ring_watch::RingWatch;
use crate::serve::{database, training};

/// Whose keys, folder and database the worker uses.
const ROLE: &str = "platform";
/// In whose name its spans are reported.
pub(super) const WORKER: &str = "worker";

/// A worker in a process of its own.
pub(super) struct Worker {
    jobs: JobWorker,
    platform: Platform<Way>,
    stop: CancellationToken,
}

impl Worker {
    /// Opens Platform's database and connects to Temporal. Neither Platform nor Labeler need be there.
    pub(super) async fn start(config: &Config, telemetry: &Telemetry) -> Result<Self, Failure> {
        let (clock, telemetry) = (Clock::system(), telemetry.service(WORKER));
        let (keys, _) = RingWatch::open(ROLE, ring_file(&config.data, ROLE))?;
        let labeler = node::peer(config, "labeler")?;
        let minter = (ROLE, keys, clock.clone());
        let way = node::way(minter, telemetry.clone(), &labeler, config.keepalive)?;
        let setup = Setup {
            folder: node::state(config, ROLE),
            labeler: way,
            clock,
            // Temporal tells when.
            training: hallpass_platform::Training { concurrency: 0, ..training::of(config)? },
            telemetry: telemetry.clone(),
        };
        let own = hallpass_platform::own_database(&setup.folder);
        let location = database::location(config, ROLE, own)?;
        let platform = Platform::open_on(&location, setup).await.map_err(Failure::failed)?;
        let stop = CancellationToken::new();
        let jobs = connect(config, platform.handover(), telemetry, stop.clone()).await?;
        Ok(Self { jobs, platform, stop })
    }

    /// Works until told to stop.
    pub(super) async fn work(self, shutdown: Shutdown) -> Result<(), Failure> {
        let sweeping = tokio::spawn(self.platform.run_jobs(self.stop.clone()));
        let stop = self.stop.clone();
        tokio::spawn(async move {
            shutdown.draining().await;
            stop.cancel();
        });
        let worked = self.jobs.run().await;
        self.stop.cancel();
        // Nothing depends on how it ended.
        let _ = sweeping.await;
        self.platform.close().await;
        worked.map_err(Failure::failed)
    }
}

/// Connects a worker for these jobs to the Temporal that the configuration names.
pub(super) async fn connect(
    config: &Config,
    jobs: Handover<Way>,
    telemetry: ServiceTelemetry,
    stop: CancellationToken,
) -> Result<JobWorker, Failure> {
    let settings = settings(config)?;
    JobWorker::connect(&settings, jobs, telemetry, stop).await.map_err(Failure::failed)
}

fn settings(config: &Config) -> Result<Settings, Failure> {
    let section = &config.temporal;
    let tls = section.address.starts_with("https://").then(|| -> Result<Tls, Failure> {
        let ca = section.ca.as_deref().map(|path| read("ca", path)).transpose()?;
        let identity = match (&section.cert, &section.key) {
            (Some(cert), Some(key)) => Some((read("cert", cert)?, read("key", key)?)),
            _ => None,
        };
        Ok(Tls { ca, identity })
    });
    Ok(Settings {
        address: section.address.clone(),
        namespace: section.namespace.clone(),
        task_queue: section.task_queue.clone(),
        concurrency: config.jobs.concurrency,
        tls: tls.transpose()?,
    })
}

fn read(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::failed(format_args!(
            "temporal.{key}: {}: {error}; right: a file in PEM",
            path.display()
        ))
    })
}
