//! Sets a process's telemetry up at its start and flushes it at its end.

use std::time::Duration;

use crate::checks::{self, Compressions};
use crate::environment::Asked;
use crate::exporter::{Collector, Exporting};
use crate::tls::Tls;
use crate::{ServiceTelemetry, Settings, TelemetryError, logs, panics};

/// How long the end of a process waits for a collector.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);

/// Sets up logs, and traces and metrics where the OTEL_ variables ask for them, for the services that this process runs.
///
/// Each service reports under its own name. Call it once, as early as possible, and keep what it returns until the end.
pub fn init(services: &[&'static str], settings: &Settings) -> Result<Telemetry, TelemetryError> {
    let variable = |name: &str| std::env::var(name).ok();
    let asked = Asked::of(variable)?;
    asked.check(variable, settings.insecure_plaintext)?;
    checks::check(asked, variable)?;
    let compressions = Compressions::of(asked, variable)?;
    let collector = Collector { endpoint: None, compressions, tls: Tls::of(asked, variable)? };
    let telemetry = Telemetry::start(services, asked, &collector)?;
    let tracer = telemetry.services.iter().find_map(|(_, service)| service.tracer().cloned());
    logs::install(settings, variable("RUST_LOG"), tracer)?;
    panics::log();
    if services.len() > 1 && asked.traces && variable("OTEL_SERVICE_NAME").is_some() {
        tracing::warn!("OTEL_SERVICE_NAME is ignored: this process runs several services");
    }
    if let Some(advice) = checks::advice(variable).filter(|_| asked.traces) {
        tracing::warn!("{advice}");
    }
    Ok(telemetry)
}

/// A process's telemetry. What is left is flushed by `shutdown`, or when this is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the process's telemetry"]
pub struct Telemetry {
    services: Vec<(&'static str, ServiceTelemetry)>,
    exporting: Option<Exporting>,
}

impl Telemetry {
    /// Telemetry that measures nothing and writes no logs.
    pub const fn off() -> Self {
        Self { services: Vec::new(), exporting: None }
    }

    pub(crate) fn start(
        services: &[&'static str],
        asked: Asked,
        collector: &Collector,
    ) -> Result<Self, TelemetryError> {
        if !asked.traces && !asked.metrics {
            return Ok(Self::off());
        }
        let (exporting, parts) = Exporting::start(services, asked, collector)?;
        let services = services.iter().copied().zip(parts).collect();
        Ok(Self { services, exporting: Some(exporting) })
    }

    /// One service's part; where nothing is exported, one that measures nothing.
    pub fn service(&self, name: &str) -> ServiceTelemetry {
        let found = self.services.iter().find(|(known, _)| *known == name);
        found.map(|(_, service)| service.clone()).unwrap_or_default()
    }

    /// Sends what is left, waiting no longer than three seconds for a collector. Blocks the thread meanwhile.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(exporting) = &mut self.exporting {
            exporting.finish(FLUSH_WITHIN);
        }
    }
}
