//! Reads from the standard OTEL_ variables which exporters are asked for. Silence means none.

use crate::urls;

/// Telemetry that cannot be set up as asked for.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A variable holds something that is not understood.
    #[error("{name}={value:?} is not understood: expected {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A collector's address has a user or a password, which would be shown with it.
    #[error("{0}: has a user or a password: give them in OTEL_EXPORTER_OTLP_HEADERS")]
    Login(&'static str),
    /// Spans would leave this machine for everyone on the way to read.
    #[error(
        "{0}: is beyond loopback and not https: send to a collector on this machine, or set insecure_plaintext \
         (--insecure-plaintext)"
    )]
    Plaintext(&'static str),
    /// A file of certificates or a key cannot be used.
    #[error("{name}, {file}: {problem}")]
    File {
        /// The variable that names it.
        name: &'static str,
        /// The file.
        file: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The OTLP exporter refuses its settings.
    #[error("OTLP exporter: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The exporters' own thread cannot be started.
    #[error("exporters cannot be started: {0}")]
    Runtime(#[from] std::io::Error),
    /// The process already writes its logs another way.
    #[error("logs are already set up in this process")]
    AlreadySetUp,
}

/// Which exporters the environment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) traces: bool,
    pub(crate) metrics: bool,
}

impl Asked {
    /// Reads the variables through `get`, where an empty one counts as unset.
    pub(crate) fn of(get: impl Fn(&str) -> Option<String>) -> Result<Self, TelemetryError> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        if get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Self { traces: false, metrics: false });
        }
        let everything = get("OTEL_EXPORTER_OTLP_ENDPOINT").is_some();
        let traces = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").is_some() || everything;
        let metrics = get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").is_some() || everything;
        let asked = Self {
            traces: traces && wanted("OTEL_TRACES_EXPORTER", &get)?,
            metrics: metrics && wanted("OTEL_METRICS_EXPORTER", &get)?,
        };
        if asked.traces || asked.metrics {
            only_grpc(&get)?;
        }
        Ok(asked)
    }
}

impl Asked {
    /// Refuses collectors to which everyone on the way could listen, unless that is wanted.
    pub(crate) fn check(
        self,
        get: impl Fn(&str) -> Option<String>,
        plaintext: bool,
    ) -> Result<(), TelemetryError> {
        let endpoints = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.traces || self.metrics),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", self.traces),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", self.metrics),
        ];
        for (name, used) in endpoints {
            let Some(url) = get(name).filter(|url| used && !url.is_empty()) else { continue };
            if urls::has_login(&url) {
                return Err(TelemetryError::Login(name));
            }
            let signal = signal_of(name);
            if !plaintext && !urls::is_private(&with_scheme(&url, signal, &get)) {
                return Err(TelemetryError::Plaintext(name));
            }
        }
        Ok(())
    }
}

/// The part of a variable's name that stands for one signal: `TRACES_`, or nothing.
fn signal_of(endpoint: &str) -> &str {
    let behind = endpoint.strip_prefix("OTEL_EXPORTER_OTLP_").unwrap_or_default();
    behind.strip_suffix("ENDPOINT").unwrap_or_default()
}

/// The address as the exporter takes it: without a scheme it is one of TLS, unless `OTEL_EXPORTER_OTLP_INSECURE` says otherwise.
pub(crate) fn with_scheme(
    url: &str,
    signal: &str,
    get: &impl Fn(&str) -> Option<String>,
) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let set = |signal: &str| get(&format!("OTEL_EXPORTER_OTLP_{signal}INSECURE"));
    let insecure = set(signal).or_else(|| set(""));
    let insecure = insecure.is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    format!("{}://{url}", if insecure { "http" } else { "https" })
}

fn wanted(
    name: &'static str,
    get: &impl Fn(&str) -> Option<String>,
) -> Result<bool, TelemetryError> {
    match get(name).as_deref() {
        None | Some("otlp") => Ok(true),
        Some("none") => Ok(false),
        Some(value) => {
            let value = value.to_owned();
            Err(TelemetryError::Variable { name, value, expected: "\"otlp\" or \"none\"" })
        }
    }
}

/// Refuses the protocols that are not built in, instead of quietly speaking another one to the collector's port.
fn only_grpc(get: &impl Fn(&str) -> Option<String>) -> Result<(), TelemetryError> {
    const NAMES: [&str; 3] = [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    ];
    for name in NAMES {
        if let Some(value) = get(name).filter(|value| value != "grpc") {
            return Err(TelemetryError::Variable { name, value, expected: "\"grpc\"" });
        }
    }
    Ok(())
}
