//! Sends spans and metrics to a collector by OTLP, aside from everything else.
//!
//! Invariant: a call only ever puts its span into a bounded queue, and leaves it out where the queue is full. The sending
//! has threads of its own, so that neither a dead collector nor a busy process holds up the other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::{Builder, Runtime};

use crate::checks::Compressions;
use crate::environment::Asked;
use crate::tls::Tls;
use crate::{ServiceTelemetry, TelemetryError};

const SCOPE: &str = "hallpass";

/// The providers of every service of the process, and the thread that sends for them.
#[derive(Debug)]
pub(crate) struct Exporting {
    runtime: Option<Runtime>,
    tracers: Vec<SdkTracerProvider>,
    meters: Vec<SdkMeterProvider>,
}

/// Where to send to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector {
    /// The collector's address; `None` means that the OTEL_ variables say it.
    pub(crate) endpoint: Option<String>,
    /// How what is sent is compressed.
    pub(crate) compressions: Compressions,
    /// How the collector proves that it is the one, where it is spoken to by TLS.
    pub(crate) tls: Tls,
}

impl Exporting {
    /// Starts exporting for each service; the answers are in the services' order.
    pub(crate) fn start(
        services: &[&'static str],
        asked: Asked,
        collector: &Collector,
    ) -> Result<(Self, Vec<ServiceTelemetry>), TelemetryError> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("telemetry").enable_all().build()?;
        let entered = runtime.enter();
        let (mut tracers, mut meters, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for name in services {
            let resource = resource(name, services.len() == 1);
            let tracer = asked.traces.then(|| tracers_of(&resource, collector)).transpose()?;
            let meter = asked.metrics.then(|| meters_of(&resource, collector)).transpose()?;
            parts.push(ServiceTelemetry::new(
                tracer.as_ref().map(|provider| provider.tracer(SCOPE)),
                meter.as_ref().map(|provider| provider.meter(SCOPE)).as_ref(),
            ));
            tracers.extend(tracer);
            meters.extend(meter);
        }
        drop(entered);
        Ok((Self { runtime: Some(runtime), tracers, meters }, parts))
    }

    /// Sends what is left, for at most `within`, and stops.
    pub(crate) fn finish(&mut self, within: Duration) {
        let (done, finished) = mpsc::channel();
        let mut waiting = 0;
        for provider in self.tracers.drain(..) {
            waiting += spawn(done.clone(), move || drop(provider.shutdown_with_timeout(within)));
        }
        for provider in self.meters.drain(..) {
            waiting += spawn(done.clone(), move || drop(provider.shutdown_with_timeout(within)));
        }
        let until = Instant::now() + within;
        for _ in 0..waiting {
            let left = until.saturating_duration_since(Instant::now());
            if finished.recv_timeout(left).is_err() {
                tracing::warn!(
                    "the collector does not answer: the last spans and metrics are lost"
                );
                break;
            }
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs `work` on a thread of its own; how many threads were started.
fn spawn(done: mpsc::Sender<()>, work: impl FnOnce() + Send + 'static) -> usize {
    let work = move || {
        work();
        // The receiver is gone where nobody waits any longer.
        let _ = done.send(());
    };
    usize::from(thread::Builder::new().name("telemetry-flush".to_owned()).spawn(work).is_ok())
}

/// Who reports. `OTEL_SERVICE_NAME` renames a process's only service; it cannot name several.
fn resource(name: &'static str, only: bool) -> Resource {
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|all| all.contains("service.name="));
    let resource = Resource::builder();
    if only && named { resource.build() } else { resource.with_service_name(name).build() }
}

fn tracers_of(
    resource: &Resource,
    collector: &Collector,
) -> Result<SdkTracerProvider, TelemetryError> {
    let mut exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    if let Some(tls) = &collector.tls.traces {
        exporter = exporter.with_tls_config(tls.clone());
    }
    if let Some(endpoint) = &collector.endpoint {
        exporter = exporter.with_endpoint(endpoint);
    }
    if let Some(compression) = collector.compressions.traces {
        exporter = exporter.with_compression(compression);
    }
    let exporter = Reported::new(exporter.build()?, "spans");
    // The sampler and the queue's size are read from the OTEL_ variables by the builder.
    let provider = SdkTracerProvider::builder();
    Ok(provider.with_resource(resource.clone()).with_batch_exporter(exporter).build())
}

fn meters_of(
    resource: &Resource,
    collector: &Collector,
) -> Result<SdkMeterProvider, TelemetryError> {
    let mut exporter = opentelemetry_otlp::MetricExporter::builder().with_tonic();
    if let Some(tls) = &collector.tls.metrics {
        exporter = exporter.with_tls_config(tls.clone());
    }
    if let Some(endpoint) = &collector.endpoint {
        exporter = exporter.with_endpoint(endpoint);
    }
    if let Some(compression) = collector.compressions.metrics {
        exporter = exporter.with_compression(compression);
    }
    let exporter = Reported::new(exporter.build()?, "metrics");
    let provider = SdkMeterProvider::builder();
    Ok(provider.with_resource(resource.clone()).with_periodic_exporter(exporter).build())
}

/// An exporter whose failures are logged: the first at once, then one in a while.
#[derive(Debug)]
pub(crate) struct Reported<E> {
    inner: E,
    what: &'static str,
    failures: AtomicU64,
}

impl<E> Reported<E> {
    pub(crate) const fn new(inner: E, what: &'static str) -> Self {
        Self { inner, what, failures: AtomicU64::new(0) }
    }

    fn report(&self, result: OTelSdkResult) -> OTelSdkResult {
        if let Err(error) = &result {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            if failures.is_power_of_two() {
                tracing::warn!(what = self.what, failures, %error, "telemetry is not delivered");
            }
        } else {
            self.failures.store(0, Ordering::Relaxed);
        }
        result
    }
}

impl<E: SpanExporter> SpanExporter for Reported<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.report(self.inner.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Reported<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.report(self.inner.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
