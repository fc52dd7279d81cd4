//! Refuses values of the OTEL_ variables that the exporters would ignore: a mistyped sampler samples everything, a mistyped
//! compression sends without any.
//!
//! Invariant: once this has passed, the exporters take every value that they read as it was written.

use opentelemetry_otlp::Compression;

use crate::environment::{Asked, TelemetryError};

/// The samplers of the specification that are built in. The two by ratio take an argument.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// Whole numbers of the exporter and of the span queue; the times are in milliseconds.
const OF_TRACES: [&str; 9] = [
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_CONCURRENT_EXPORTS",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
];

/// Whole numbers of milliseconds for metrics.
const OF_METRICS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
];

/// How each signal is compressed on its way to the collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Compressions {
    pub(crate) traces: Option<Compression>,
    pub(crate) metrics: Option<Compression>,
}

impl Compressions {
    /// Reads the variables of the signals that are exported; one signal's own variable replaces the general one.
    pub(crate) fn of(
        asked: Asked,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TelemetryError> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let read = |used: bool, own: &'static str| {
            let names = [own, "OTEL_EXPORTER_OTLP_COMPRESSION"].into_iter().filter(|_| used);
            let mut set = names.filter_map(|name| Some((name, get(name)?)));
            set.next().map_or(Ok(None), |(name, value)| compression(name, value))
        };
        Ok(Self {
            traces: read(asked.traces, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION")?,
            metrics: read(asked.metrics, "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION")?,
        })
    }
}

/// Refuses a sampler, its argument and numbers that are not what the specification has.
pub(crate) fn check(
    asked: Asked,
    get: impl Fn(&str) -> Option<String>,
) -> Result<(), TelemetryError> {
    let get = |name: &str| get(name).filter(|value| !value.is_empty());
    if asked.traces {
        sampler(&get)?;
        OF_TRACES.into_iter().try_for_each(|name| whole(name, &get))?;
    }
    if asked.metrics {
        OF_METRICS.into_iter().try_for_each(|name| whole(name, &get))?;
    }
    if asked.traces || asked.metrics {
        whole("OTEL_EXPORTER_OTLP_TIMEOUT", &get)?;
    }
    Ok(())
}

/// What an operator may have meant otherwise: a share of the traces that nothing reads, or a sampler by share without one.
pub(crate) fn advice(get: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let get = |name: &str| get(name).filter(|value| !value.is_empty());
    let by_ratio = get("OTEL_TRACES_SAMPLER").is_some_and(|sampler| sampler.ends_with("ratio"));
    match (get("OTEL_TRACES_SAMPLER_ARG"), by_ratio) {
        (Some(_), false) => Some(
            "OTEL_TRACES_SAMPLER_ARG has no effect: set OTEL_TRACES_SAMPLER to traceidratio or parentbased_traceidratio",
        ),
        (None, true) => Some(
            "OTEL_TRACES_SAMPLER_ARG is not set, so every trace is sampled: set it to a number from 0 to 1",
        ),
        _ => None,
    }
}

fn sampler(get: &impl Fn(&str) -> Option<String>) -> Result<(), TelemetryError> {
    let (name, sampler) = ("OTEL_TRACES_SAMPLER", get("OTEL_TRACES_SAMPLER"));
    let Some(value) = sampler else { return Ok(()) };
    if !SAMPLERS.contains(&value.as_str()) {
        let expected = "one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, \
                        parentbased_traceidratio";
        return Err(TelemetryError::Variable { name, value, expected });
    }
    let name = "OTEL_TRACES_SAMPLER_ARG";
    let argument = get(name).filter(|_| value.ends_with("ratio"));
    let is_share = |value: &str| value.parse().is_ok_and(|share: f64| (0.0..=1.0).contains(&share));
    match argument {
        Some(value) if !is_share(&value) => {
            let expected = "a number from 0 to 1, such as 0.25";
            Err(TelemetryError::Variable { name, value, expected })
        }
        _ => Ok(()),
    }
}

fn compression(name: &'static str, value: String) -> Result<Option<Compression>, TelemetryError> {
    match value.to_ascii_lowercase().as_str() {
        "gzip" => Ok(Some(Compression::Gzip)),
        "none" => Ok(None),
        _ => Err(TelemetryError::Variable { name, value, expected: "\"gzip\" or \"none\"" }),
    }
}

fn whole(name: &'static str, get: &impl Fn(&str) -> Option<String>) -> Result<(), TelemetryError> {
    match get(name) {
        Some(value) if value.parse::<u32>().is_err() => {
            let expected = "a whole number (times are in milliseconds)";
            Err(TelemetryError::Variable { name, value, expected })
        }
        _ => Ok(()),
    }
}
