//! `up`, `platform` and `labeler`: the mesh in one process, or one service of it.

mod arguments;
mod bucket;
mod claims;
mod database;
mod delegations;
mod gauges;
mod keys;
mod labeler;
mod nats;
mod node;
mod oidc;
mod platform;
mod relay;
mod ring_neighbours;
mod ring_store;
mod ring_watch;
mod sample;
mod sessions;
mod settings;
mod sweep;
#[cfg(feature = "temporal")]
mod temporal;
mod training;
mod up;
mod welcome;

use hallpass_server::{Config, Shutdown};
use hallpass_telemetry::{Settings, Telemetry};

#[cfg(feature = "temporal")]
pub(crate) use arguments::WorkerArguments;
pub(crate) use arguments::{LabelerArguments, PlatformArguments, UpArguments};

use crate::failure::Failure;
use crate::output::Format;

/// Runs Platform and Labeler in this process until it is told to stop.
pub(crate) fn up(arguments: &UpArguments, format: Format) -> Result<(), Failure> {
    let configs = arguments.configs()?;
    run(services(), &configs.platform, async |telemetry, shutdown| {
        Box::pin(up::run(&configs, telemetry, shutdown, format)).await
    })
}

/// Runs Platform alone.
pub(crate) fn platform(arguments: &PlatformArguments, format: Format) -> Result<(), Failure> {
    let config = arguments.config()?;
    run(&["platform"], &config, async |telemetry, shutdown| {
        let platform = platform::Platform::start(&config, telemetry, shutdown).await?;
        welcome::listening(&[("platform", platform.address())], format)?;
        platform.serve().await
    })
}

/// Runs jobs on Temporal.
#[cfg(feature = "temporal")]
pub(crate) fn worker(arguments: &WorkerArguments, format: Format) -> Result<(), Failure> {
    let config = arguments.config()?;
    run(&[temporal::WORKER], &config, async |telemetry, shutdown| {
        let worker = temporal::Worker::start(&config, telemetry).await?;
        welcome::working(&config.temporal.address, worker.address(), format)?;
        Box::pin(worker.work(shutdown)).await
    })
}

/// Runs Labeler alone.
pub(crate) fn labeler(arguments: &LabelerArguments, format: Format) -> Result<(), Failure> {
    let config = arguments.config()?;
    run(&["labeler"], &config, async |telemetry, shutdown| {
        let labeler = labeler::Labeler::start(&config, telemetry, shutdown).await?;
        labeler.follow_configured()?;
        welcome::listening(&[("labeler", labeler.address())], format)?;
        Box::pin(labeler.serve()).await
    })
}

/// The names in which `up` reports.
const fn services() -> &'static [&'static str] {
    #[cfg(feature = "temporal")]
    return &["platform", "labeler", temporal::WORKER];
    #[cfg(not(feature = "temporal"))]
    &["platform", "labeler"]
}

/// Runs services to their end; telemetry is flushed however that came.
fn run(
    services: &[&'static str],
    config: &Config,
    serve: impl AsyncFnOnce(&Telemetry, Shutdown) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format_args!("no runtime: {error}")))?;
    let entered = runtime.enter();
    let settings = Settings {
        log_format: config.log_format,
        insecure_plaintext: config.insecure_plaintext,
        ..Settings::default()
    };
    let telemetry = hallpass_telemetry::init(services, &settings).map_err(Failure::failed)?;
    let shutdown = Shutdown::on_signals().map_err(Failure::failed)?;
    let served = runtime.block_on(serve(&telemetry, shutdown));
    drop(entered);
    telemetry.shutdown();
    served
}
