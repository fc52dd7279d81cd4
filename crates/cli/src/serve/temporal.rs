//! The worker that runs jobs on Temporal: beside Platform in one process, or a process of its own on Platform's database and keys.
//!
//! Invariant: it starts without Temporal, Platform and Labeler, says that it cannot work yet, and works once it can.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hallpass_guard::Clock;
use hallpass_platform::{Handover, Platform, Setup};
use hallpass_server::pem::{self, Kind};
use hallpass_server::{Config, Probe, Shutdown};
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
    probe: Option<Probe>,
}

impl Worker {
    /// Opens Platform's database, and takes the port for health checks.
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
        let jobs = worker(config, platform.handover(), telemetry, stop.clone())?;
        let probe = match config.temporal.listen {
            Some(address) => Some(Probe::bind(config, address, Arc::new(jobs.ready())).await),
            None => None,
        };
        let probe = probe.transpose().map_err(Failure::failed)?;
        Ok(Self { jobs, platform, stop, probe })
    }

    /// Where it answers health checks, if it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.probe.as_ref().map(Probe::address)
    }

    /// Works until told to stop.
    pub(super) async fn work(self, shutdown: Shutdown) -> Result<(), Failure> {
        let sweeping = tokio::spawn(self.platform.run_jobs(self.stop.clone()));
        let (stop, draining) = (self.stop.clone(), shutdown.clone().draining());
        tokio::spawn(async move {
            draining.await;
            stop.cancel();
        });
        let probing = async {
            match self.probe {
                Some(probe) => probe.serve(shutdown).await,
                None => std::future::pending().await,
            }
        };
        let worked = tokio::select! {
            worked = self.jobs.run() => worked.map_err(Failure::failed),
            () = probing => Ok(()),
        };
        self.stop.cancel();
        // Nothing depends on how it ended.
        let _ = sweeping.await;
        self.platform.close().await;
        worked
    }
}

/// A worker for these jobs, on the Temporal that the configuration names.
pub(super) fn worker(
    config: &Config,
    jobs: Handover<Way>,
    telemetry: ServiceTelemetry,
    stop: CancellationToken,
) -> Result<JobWorker, Failure> {
    JobWorker::new(settings(config)?, jobs, telemetry, stop).map_err(Failure::failed)
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
    let kind = match key {
        "key" => Kind::Key,
        "cert" => Kind::Shown,
        _ => Kind::Authority,
    };
    let read = pem::read(path, kind).map(String::into_bytes);
    read.map_err(|error| Failure::failed(format_args!("temporal.{key}: {error}")))
}
