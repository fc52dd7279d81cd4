//! What a process may choose about its logs. Everything else is chosen by the standard OTEL_ variables.

use std::fmt;
use std::str::FromStr;

/// How logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people, in colour on a terminal.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err("expected \"human\" or \"json\"".to_owned()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

/// What a process may choose about its logs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How logs are written.
    pub log_format: LogFormat,
    /// What is logged where `RUST_LOG` is not set, in that variable's form.
    pub log_filter: String,
    /// Whether a collector beyond loopback may be spoken to without TLS.
    pub insecure_plaintext: bool,
}

impl Default for Settings {
    fn default() -> Self {
        // What libraries of the transport warn of, a stranger can bring about with each frame (h2: an ACK of no PING).
        // The NATS client complains of every try to connect; what counts of that is said once a minute by its user.
        const FILTER: &str =
            "info,sled=warn,sqlx=warn,h2=error,hyper=error,rustls=error,async_nats=off";
        Self {
            log_format: LogFormat::default(),
            log_filter: FILTER.to_owned(),
            insecure_plaintext: false,
        }
    }
}
