//! The sections and keys of a configuration as they are written.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hallpass_telemetry::LogFormat;
use serde::{Deserialize, Deserializer, de};

use super::nats::NatsSection;
use super::sessions::SessionsSection;
use super::training::{JobsSection, TrainerSection};
use super::{BucketSection, LabelerSection, OidcSection, TemporalSection, duration};
use crate::{Limits, Peer, TlsFiles};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sections {
    pub(super) listen: SocketAddr,
    pub(super) data: PathBuf,
    pub(super) database: Option<String>,
    #[serde(default)]
    pub(super) insecure_plaintext: bool,
    #[serde(default = "yes")]
    pub(super) reflection: bool,
    #[serde(default, deserialize_with = "log_format")]
    pub(super) log_format: LogFormat,
    #[serde(default = "drain", deserialize_with = "duration::read")]
    pub(super) drain: Duration,
    pub(super) tls: Option<Tls>,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) keepalive: Keepalive,
    #[serde(default)]
    pub(super) peers: BTreeMap<String, Peer>,
    #[serde(default)]
    pub(super) trainers: BTreeMap<String, TrainerSection>,
    #[serde(default)]
    pub(super) artifacts: Option<BucketSection>,
    #[serde(default)]
    pub(super) jobs: JobsSection,
    #[serde(default)]
    pub(super) labeler: LabelerSection,
    #[serde(default)]
    pub(super) sessions: SessionsSection,
    pub(super) nats: Option<NatsSection>,
    #[serde(default)]
    pub(super) oidc: Vec<OidcSection>,
    #[serde(default)]
    pub(super) development: bool,
    #[serde(default)]
    pub(super) temporal: TemporalSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl From<Tls> for TlsFiles {
    fn from(Tls { cert, key, client_ca }: Tls) -> Self {
        Self { cert, key, client_ca }
    }
}

/// How dead connections are found.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keepalive {
    /// How long a connection is silent before it is asked for a sign of life.
    #[serde(deserialize_with = "duration::read")]
    pub interval: Duration,
    /// How long the sign may take.
    #[serde(deserialize_with = "duration::read")]
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { interval: Duration::from_secs(30), timeout: Duration::from_secs(10) }
    }
}

const fn yes() -> bool {
    true
}

const fn drain() -> Duration {
    Duration::from_secs(10)
}

fn log_format<'de, D: Deserializer<'de>>(from: D) -> Result<LogFormat, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}
