//! What `worker` takes: Platform's settings, for it does Platform's work.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use hallpass_server::Config;

use super::{Flags, LABELER_LISTENS, PLATFORM_LISTENS, PeerFlags, Section, load};
use crate::failure::Failure;

const WORKER: &str = "\
It takes Platform's configuration, keys and database, and the place of Temporal: --temporal, or the section [temporal]. Platform
itself leaves jobs to it with `engine = \"temporal\"` in the section [jobs].

Examples:
  hallpass worker --data hallpass-data --temporal http://127.0.0.1:7233
  hallpass worker --config platform.toml";

/// A worker of Temporal's.
#[derive(Debug, Args)]
#[command(after_help = WORKER)]
pub(crate) struct WorkerArguments {
    /// A TOML file with settings: Platform's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where Platform's keys and state are kept.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Platform's PostgreSQL database, as Platform takes it. Without it its SQLite file.
    #[arg(long, value_name = "REF")]
    database: Option<String>,
    /// Where Labeler is.
    #[arg(long, value_name = "URL")]
    labeler: Option<String>,
    /// The certificates that sign Labeler's, in PEM [default: those that this system trusts].
    #[arg(long, value_name = "FILE")]
    peer_ca: Option<PathBuf>,
    /// Where Temporal is.
    #[arg(long, value_name = "URL")]
    temporal: Option<String>,
    /// Where to answer health checks; nowhere without it. Port 0 picks a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Call Labeler and Temporal beyond loopback without TLS.
    #[arg(long)]
    insecure_plaintext: bool,
    /// How logs are written: human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl WorkerArguments {
    /// The configuration that file, environment and flags make.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let labeler = PeerFlags { address: self.labeler.clone(), ca: self.peer_ca.clone() };
        let flags = Flags {
            data: self.data.clone(),
            database: self.database.clone(),
            insecure_plaintext: self.insecure_plaintext.then_some(true),
            log_format: self.log_format.clone(),
            peers: Some([("labeler", labeler)].into()),
            temporal: self.section(),
            ..Flags::default()
        };
        load(self.config.clone(), PLATFORM_LISTENS, ("labeler", LABELER_LISTENS), &flags)
    }
}

impl WorkerArguments {
    /// What flags say of the section `[temporal]`.
    fn section(&self) -> Option<Section> {
        let mut section = self.temporal.as_deref().map(address).unwrap_or_default();
        section.extend(self.listen.map(|listen| ("listen", listen.to_string())));
        (!section.is_empty()).then_some(section)
    }
}

/// Where Temporal is, as the section says it.
pub(super) fn address(url: &str) -> Section {
    Section::from([("address", url.to_owned())])
}
