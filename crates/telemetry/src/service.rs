//! One service's part in the process's telemetry: the tracer and the instruments that carry its name.

use std::future::Future;
use std::sync::Arc;

use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::trace::{FutureExt, WithContext};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

use crate::status::Side;
use crate::tracer::Serving;

/// One service's tracer and instruments. Cheap to clone; the default one measures nothing.
#[derive(Debug, Clone, Default)]
pub struct ServiceTelemetry {
    parts: Option<Arc<Parts>>,
}

#[derive(Debug)]
struct Parts {
    tracer: Option<SdkTracer>,
    meter: Option<Meter>,
    durations: Option<Durations>,
}

#[derive(Debug)]
struct Durations {
    server: Histogram<f64>,
    client: Histogram<f64>,
}

impl ServiceTelemetry {
    pub(crate) fn new(tracer: Option<SdkTracer>, meter: Option<&Meter>) -> Self {
        if tracer.is_none() && meter.is_none() {
            return Self::default();
        }
        let durations = meter.map(|meter| Durations {
            server: duration(meter, "rpc.server.call.duration", "Duration of inbound calls"),
            client: duration(meter, "rpc.client.call.duration", "Duration of outbound calls"),
        });
        let meter = meter.cloned();
        Self { parts: Some(Arc::new(Parts { tracer, meter, durations })) }
    }

    /// Runs work that no call started, such as a background task, as this service's: its spans are reported in its name.
    pub fn attribute<F: Future>(&self, work: F) -> WithContext<F> {
        let context = match self.tracer() {
            Some(tracer) => Context::current().with_value(Serving(tracer.clone())),
            None => Context::current(),
        };
        work.with_context(context)
    }

    /// Reports a number that is read whenever metrics are sent; where it is `None` nothing is reported. Where no metrics are sent it is
    /// never read.
    pub fn gauge(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) {
        if let Some(meter) = self.parts.as_ref().and_then(|parts| parts.meter.as_ref()) {
            let gauge = meter.f64_observable_gauge(name).with_unit(unit);
            let gauge = gauge.with_description(description).with_callback(move |observer| {
                if let Some(number) = read() {
                    observer.observe(number, &[]);
                }
            });
            // The meter keeps it.
            let _ = gauge.build();
        }
    }

    /// The same of several things: a number for each, under its name.
    pub fn gauges(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        label: &'static str,
        read: impl Fn() -> Vec<(String, f64)> + Send + Sync + 'static,
    ) {
        if let Some(meter) = self.parts.as_ref().and_then(|parts| parts.meter.as_ref()) {
            let gauge = meter.f64_observable_gauge(name).with_unit(unit);
            let gauge = gauge.with_description(description).with_callback(move |observer| {
                for (of, number) in read() {
                    observer.observe(number, &[KeyValue::new(label, of)]);
                }
            });
            let _ = gauge.build();
        }
    }

    pub(crate) fn tracer(&self) -> Option<&SdkTracer> {
        self.parts.as_ref()?.tracer.as_ref()
    }

    pub(crate) fn duration(&self, side: Side) -> Option<&Histogram<f64>> {
        let durations = self.parts.as_ref()?.durations.as_ref()?;
        Some(match side {
            Side::Server => &durations.server,
            Side::Client => &durations.client,
        })
    }
}

/// In seconds, with the buckets that the RPC conventions advise.
fn duration(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    const BUCKETS: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(BUCKETS.to_vec())
        .build()
}
