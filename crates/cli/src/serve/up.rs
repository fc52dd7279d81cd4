//! The whole mesh in one process: keys on the first start, both services, a sample dataset.

use std::net::SocketAddr;
use std::time::Duration;

use hallpass_server::{Config, Peer, Shutdown};
use hallpass_telemetry::Telemetry;

use crate::failure::Failure;
use crate::output::Format;
use crate::serve::arguments::Configs;
use crate::serve::keys::KeyFiles;
use crate::serve::labeler::Labeler;
use crate::serve::platform::Platform;
use crate::serve::{sample, welcome};

/// How long the two services may take to find each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs both services until told to stop.
pub(super) async fn run(
    configs: &Configs,
    telemetry: &Telemetry,
    shutdown: Shutdown,
    format: Format,
) -> Result<(), Failure> {
    let keys = KeyFiles::of(&configs.platform.data);
    let first_start = keys.make().map_err(Failure::failed)?;
    // Each has its port before the other needs to know it.
    let labeler = Labeler::start(&configs.labeler, telemetry, shutdown.clone()).await?;
    let beside = with_labeler(&configs.platform, labeler.address())?;
    let platform = Platform::start(&beside, telemetry, shutdown.clone()).await?;
    labeler.follow(&peer(platform.address())?)?;
    let (at_platform, at_labeler) = (platform.address(), labeler.address());
    let fresh = labeler.is_fresh();
    let greet = async {
        until(fresh).await?;
        if first_start {
            sample::load(&keys, at_platform).await?;
        }
        match format {
            Format::Json => {
                welcome::listening(&[("platform", at_platform), ("labeler", at_labeler)], format)
            }
            Format::Text => {
                welcome::tour(&configs.platform.data, at_platform, at_labeler, first_start)
            }
        }
    };
    let greeted = async {
        tokio::select! {
            greeted = greet => greeted?,
            () = shutdown.clone().draining() => {}
        }
        std::future::pending::<Result<(), Failure>>().await
    };
    let working = work(&beside, &platform, telemetry, shutdown.clone())?;
    tokio::select! {
        served = async { tokio::try_join!(platform.serve(), labeler.serve(), working) } => served.map(drop),
        failed = greeted => failed,
    }
}

/// Runs jobs on Temporal, if they are to be run there.
#[cfg(feature = "temporal")]
fn work(
    config: &Config,
    platform: &Platform,
    telemetry: &Telemetry,
    shutdown: Shutdown,
) -> Result<impl Future<Output = Result<(), Failure>> + use<>, Failure> {
    use crate::serve::temporal::{WORKER, worker};
    let stop = tokio_util::sync::CancellationToken::new();
    let working = match config.jobs.engine {
        hallpass_server::JobEngine::Embedded => None,
        hallpass_server::JobEngine::Temporal => {
            let (jobs, telemetry) = (platform.handover(), telemetry.service(WORKER));
            Some(worker(config, jobs, telemetry, stop.clone())?)
        }
    };
    Ok(async move {
        let Some(working) = working else { return Ok(()) };
        tokio::spawn(async move {
            shutdown.draining().await;
            stop.cancel();
        });
        working.run().await.map_err(Failure::failed)
    })
}

/// This binary is built without Temporal.
#[cfg(not(feature = "temporal"))]
#[expect(clippy::unnecessary_wraps, reason = "as with Temporal")]
fn work(
    _: &Config,
    _: &Platform,
    _: &Telemetry,
    _: Shutdown,
) -> Result<impl Future<Output = Result<(), Failure>> + use<>, Failure> {
    Ok(std::future::ready(Ok(())))
}

fn with_labeler(platform: &Config, labeler: SocketAddr) -> Result<Config, Failure> {
    let mut config = platform.clone();
    config.peers.insert("labeler".to_owned(), peer(labeler)?);
    Ok(config)
}

fn peer(address: SocketAddr) -> Result<Peer, Failure> {
    Peer::at(address).map_err(Failure::failed)
}

async fn until(is_so: impl Fn() -> bool) -> Result<(), Failure> {
    let waited = async {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        while !is_so() {
            every.tick().await;
        }
    };
    let late = |_| Failure::failed("Labeler does not reach Platform's revocation list");
    tokio::time::timeout(PATIENCE, waited).await.map_err(late)
}
