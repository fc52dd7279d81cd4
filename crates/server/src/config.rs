//! What a service is told at its start: a file, the environment and flags, read once into types before a port opens.
//!
//! Flags win over the environment, the environment over the file. A value that is not understood names its key, where it
//! comes from and what is allowed.

mod database;
pub(crate) mod duration;
mod labeler;
mod loopback;
mod nats;
mod oidc;
mod problem;
mod scalar;
mod sections;
mod sessions;
mod source;
mod temporal;
mod training;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use hallpass_telemetry::LogFormat;
use serde::Serialize;

pub use database::{Database, DatabaseUrl};
pub use labeler::{BucketSection, DatasetLimits, LabelerSection};
pub use nats::NatsSection;
pub use oidc::{Claim, OidcSection, OneOrMore, Required};
pub use problem::{ConfigError, Problem};
pub use sections::Keepalive;
pub use sessions::SessionsSection;
pub use source::Sources;
pub use temporal::{JobEngine, TemporalSection};
pub use training::{JobsSection, TrainerSection};

use crate::{Limits, Peer, TlsFiles};
use sections::Sections;
use source::{Environment, Named};

/// What a service is told at its start, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The certificate to show and whom to ask for one.
    pub tls: Option<TlsFiles>,
    /// What one caller, or all together, may take.
    pub limits: Limits,
    /// How dead connections are found.
    pub keepalive: Keepalive,
    /// Whether reflection is offered.
    pub reflection: bool,
    /// How logs are written.
    pub log_format: LogFormat,
    /// Where the service keeps its state.
    pub data: PathBuf,
    /// The service's database, if it is not in the folder of its state.
    pub database: Option<Database>,
    /// The services that this one calls, by name.
    pub peers: BTreeMap<String, Peer>,
    /// The trainers that jobs can be run with, by name.
    pub trainers: BTreeMap<String, TrainerSection>,
    /// The bucket for what jobs make; without it that is in the data folder.
    pub artifacts: Option<BucketSection>,
    /// How jobs are run.
    pub jobs: JobsSection,
    /// What only Labeler has settings for.
    pub labeler: LabelerSection,
    /// Where Temporal is, for jobs that it runs.
    pub temporal: TemporalSection,
    /// Whether peers beyond loopback may be spoken to without TLS.
    pub insecure_plaintext: bool,
    /// Issuers of users' tokens outside this mesh; only Platform takes such tokens.
    pub oidc: Vec<OidcSection>,
    /// Whether this is no place for real users: outside issuers on loopback may do without TLS. Never beyond loopback.
    pub development: bool,
    /// How long sessions live.
    pub sessions: SessionsSection,
    /// The mesh's NATS servers, where the issuer's own feed is outgrown.
    pub nats: Option<NatsSection>,
    /// How long calls under way may go on when the server stops.
    pub drain: Duration,
}

impl Config {
    /// Reads the sources. `flags` is anything whose fields are keys; those that are absent or null say nothing.
    pub fn load(sources: Sources, flags: &impl Serialize) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Named::new("the defaults", sources.defaults));
        if let Some(file) = sources.file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        if let Some(variable) = sources.unreadable {
            return Err(ConfigError::NotText(variable));
        }
        let mut environment = Environment::new(sources.environment);
        loop {
            let figment = figment
                .clone()
                .merge(environment.clone())
                .merge(Named::new("the command line", Serialized::defaults(flags)));
            match figment.extract::<Sections>() {
                Ok(sections) => return Self::of(sections, &figment),
                Err(error) if environment.keep_texts(&error) => {}
                Err(error) => return Err(ConfigError::unread(error)),
            }
        }
    }

    fn of(sections: Sections, figment: &Figment) -> Result<Self, ConfigError> {
        let plaintext = sections.insecure_plaintext;
        let database = sections.database.map(|written| database::parse(&written, plaintext));
        let database = database.transpose().map_err(|problem| problem.traced(figment))?;
        let config = Self {
            listen: sections.listen,
            tls: sections.tls.map(TlsFiles::from),
            limits: sections.limits,
            keepalive: sections.keepalive,
            reflection: sections.reflection,
            log_format: sections.log_format,
            data: sections.data,
            database,
            peers: sections.peers,
            trainers: sections.trainers,
            artifacts: sections.artifacts,
            jobs: sections.jobs,
            labeler: sections.labeler,
            temporal: sections.temporal,
            insecure_plaintext: plaintext,
            sessions: sections.sessions,
            nats: sections.nats,
            oidc: sections.oidc,
            development: sections.development,
            drain: sections.drain,
        };
        config.jobs.check().map_err(|problem| problem.traced(figment))?;
        config.labeler.limits.check().map_err(|problem| problem.traced(figment))?;
        loopback::check_logins(&config).map_err(|problem| problem.traced(figment))?;
        loopback::check(&config, plaintext).map_err(|problem| problem.traced(figment))?;
        if let Some((key, problem)) = config.limits.problem() {
            return Err(Problem { key: key.to_owned(), source: None, problem }.traced(figment));
        }
        config.temporal.check(plaintext).map_err(|problem| problem.traced(figment))?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
