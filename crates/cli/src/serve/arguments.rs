//! What `up`, `platform` and `labeler` take, turned into checked configurations.

#[cfg(feature = "temporal")]
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use hallpass_server::{Config, JobEngine, Sources};
use serde::Serialize;

use crate::failure::Failure;

#[cfg(feature = "temporal")]
pub(crate) use worker::WorkerArguments;

const UP: &str = "\
Settings of both services come from variables (HALLPASS_LIMITS__CALLS, …), then from flags; the last one wins.

Examples:
  hallpass up
  hallpass up --data other --platform 127.0.0.1:8401 --labeler 127.0.0.1:8402
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 hallpass up";

const PLATFORM: &str = "\
Settings come from --config, then from variables (HALLPASS_LISTEN, HALLPASS_PEERS__LABELER__ADDRESS, …), then from flags; the last
one wins.

Examples:
  hallpass platform --data hallpass-data --labeler http://127.0.0.1:7402
  hallpass platform --config platform.toml";

const LABELER: &str = "\
Settings come from --config, then from variables (HALLPASS_LISTEN, HALLPASS_PEERS__PLATFORM__ADDRESS, …), then from flags; the
last one wins.

Examples:
  hallpass labeler --data hallpass-data --platform http://127.0.0.1:7401
  hallpass labeler --config labeler.toml";

/// Where Platform listens when nothing is said.
const PLATFORM_LISTENS: &str = "127.0.0.1:7401";

/// Where Labeler listens when nothing is said.
const LABELER_LISTENS: &str = "127.0.0.1:7402";

/// Where state is kept when nothing is said.
const DATA: &str = "hallpass-data";

/// Variables of other commands, which look like settings and are none.
const OF_OTHER_COMMANDS: [&str; 2] = ["HALLPASS_TOKEN", "HALLPASS_SERVER"];

/// The mesh in one process.
#[derive(Debug, Args)]
#[command(after_help = UP)]
pub(crate) struct UpArguments {
    /// Where keys, lists and datasets are kept; made if it is not there [env: `HALLPASS_DATA`; default: hallpass-data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The PostgreSQL database for both services, each in a schema of its own: `env:NAME` or `file:PATH` where its URL is, or a URL
    /// without a password. Without it each has a SQLite file [env: `HALLPASS_DATABASE`].
    #[arg(long, value_name = "REF")]
    database: Option<String>,
    /// Where Platform listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = PLATFORM_LISTENS)]
    platform: SocketAddr,
    /// Where Labeler listens; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = LABELER_LISTENS)]
    labeler: SocketAddr,
    /// Listen beyond loopback without TLS.
    #[arg(long)]
    insecure_plaintext: bool,
    /// How logs are written: human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Run jobs on the Temporal that is there, instead of in Platform.
    #[cfg(feature = "temporal")]
    #[arg(long, value_name = "URL")]
    temporal: Option<String>,
}

/// Both services' configurations.
#[derive(Debug)]
pub(crate) struct Configs {
    /// Platform's.
    pub(crate) platform: Config,
    /// Labeler's.
    pub(crate) labeler: Config,
}

impl UpArguments {
    /// Both services' configurations. Variables that set one service alone are refused.
    pub(crate) fn configs(&self) -> Result<Configs, Failure> {
        let of = |listen| -> Result<Config, Failure> {
            let flags = Flags {
                listen: Some(listen),
                data: self.data.clone(),
                database: self.database.clone(),
                insecure_plaintext: self.insecure_plaintext.then_some(true),
                log_format: self.log_format.clone(),
                #[cfg(feature = "temporal")]
                temporal: self.temporal.as_deref().map(worker::address),
                #[cfg(feature = "temporal")]
                jobs: self
                    .temporal
                    .is_some()
                    .then(|| Section::from([("engine", "temporal".to_owned())])),
                ..Flags::default()
            };
            let sources = sources(None);
            refuse_settings_of_one(&sources)?;
            Config::load(sources.default_for("data", DATA), &flags).map_err(Failure::failed)
        };
        let (platform, mut labeler) = (of(self.platform)?, of(self.labeler)?);
        if platform.jobs.engine == JobEngine::Temporal && cfg!(not(feature = "temporal")) {
            return Err(Failure::failed(
                "jobs.engine: this hallpass is built without Temporal, so nothing would run the jobs; right: \"embedded\", or a build \
                 with --features temporal",
            ));
        }
        // Labeler takes no users' tokens.
        labeler.oidc.clear();
        Ok(Configs { platform, labeler })
    }
}

/// Refuses variables that are right for one service in a process of its own: two cannot have the same port, and these two find each
/// other.
fn refuse_settings_of_one(sources: &Sources) -> Result<(), Failure> {
    const RIGHT: [(&str, &str); 3] = [
        ("LISTEN", "--platform ADDR and --labeler ADDR"),
        ("PEERS__", "nothing, as the two find each other"),
        ("TLS__", "`hallpass platform` and `hallpass labeler`, which take certificates"),
    ];
    for (name, _) in sources.environment.iter().filter(|(_, value)| !value.is_empty()) {
        let Some(key) = name.strip_prefix("HALLPASS_") else { continue };
        let is = |of: &str| if of.ends_with('_') { key.starts_with(of) } else { key == of };
        if let Some((_, right)) = RIGHT.iter().find(|(of, _)| is(of)) {
            let problem = "`hallpass up` runs two services, and this is a setting of one";
            return Err(Failure::failed(format_args!("{name}: {problem}; right: {right}")));
        }
    }
    Ok(())
}

/// What a file and the environment say, less what is meant for other commands.
fn sources(file: Option<PathBuf>) -> Sources {
    let mut sources = Sources::of_process(file);
    sources.environment.retain(|(name, _)| !OF_OTHER_COMMANDS.contains(&name.as_str()));
    sources
}

/// What both services take alike.
#[derive(Debug, Args)]
struct ServiceArguments {
    /// A TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where keys and state are kept.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The PostgreSQL database: `env:NAME` or `file:PATH` where its URL is, or a URL without a password. Without it a SQLite file.
    #[arg(long, value_name = "REF")]
    database: Option<String>,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The certificate to show, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Ask clients for a certificate that these have signed, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// The certificates that sign the other service's, in PEM [default: those that this system trusts].
    #[arg(long, value_name = "FILE")]
    peer_ca: Option<PathBuf>,
    /// Listen, and call the other service, beyond loopback without TLS.
    #[arg(long)]
    insecure_plaintext: bool,
    /// How logs are written: human or json.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

/// Platform alone.
#[derive(Debug, Args)]
#[command(after_help = PLATFORM)]
pub(crate) struct PlatformArguments {
    #[command(flatten)]
    service: ServiceArguments,
    /// Where Labeler is.
    #[arg(long, value_name = "URL")]
    labeler: Option<String>,
}

/// Labeler alone.
#[derive(Debug, Args)]
#[command(after_help = LABELER)]
pub(crate) struct LabelerArguments {
    #[command(flatten)]
    service: ServiceArguments,
    /// Where Platform is, whose revocation list is followed.
    #[arg(long, value_name = "URL")]
    platform: Option<String>,
}

impl PlatformArguments {
    /// The configuration that file, environment and flags make.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        self.service.config(PLATFORM_LISTENS, "labeler", LABELER_LISTENS, self.labeler.as_ref())
    }
}

impl LabelerArguments {
    /// The configuration that file, environment and flags make.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let config = self.service.config(
            LABELER_LISTENS,
            "platform",
            PLATFORM_LISTENS,
            self.platform.as_ref(),
        )?;
        if config.oidc.is_empty() {
            Ok(config)
        } else {
            Err(Failure::failed(
                "oidc: Labeler takes no users' tokens; right: in Platform's configuration",
            ))
        }
    }
}

impl ServiceArguments {
    fn config(
        &self,
        listens: &str,
        peer: &'static str,
        peer_listens: &str,
        peer_address: Option<&String>,
    ) -> Result<Config, Failure> {
        let address = PeerFlags { address: peer_address.cloned(), ca: self.peer_ca.clone() };
        let flags = Flags {
            listen: self.listen,
            data: self.data.clone(),
            database: self.database.clone(),
            insecure_plaintext: self.insecure_plaintext.then_some(true),
            log_format: self.log_format.clone(),
            tls: self.tls_cert.is_some().then(|| TlsFlags {
                cert: self.tls_cert.clone(),
                key: self.tls_key.clone(),
                client_ca: self.tls_client_ca.clone(),
            }),
            peers: Some([(peer, address)].into()),
            ..Flags::default()
        };
        load(self.config.clone(), listens, (peer, peer_listens), &flags)
    }
}

/// What a file, the environment and flags say, and what holds where they say nothing.
fn load(
    file: Option<PathBuf>,
    listens: &str,
    (peer, peer_listens): (&str, &str),
    flags: &Flags,
) -> Result<Config, Failure> {
    let sources = sources(file)
        .default_for("listen", listens)
        .default_for("data", DATA)
        .default_for(&format!("peers.{peer}.address"), format!("http://{peer_listens}"));
    Config::load(sources, flags).map_err(Failure::failed)
}

/// Keys of a section.
type Section = std::collections::BTreeMap<&'static str, String>;

/// Flags under the names of the settings that they override.
#[derive(Debug, Default, Serialize)]
struct Flags {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    database: Option<String>,
    insecure_plaintext: Option<bool>,
    log_format: Option<String>,
    tls: Option<TlsFlags>,
    peers: Option<std::collections::BTreeMap<&'static str, PeerFlags>>,
    temporal: Option<Section>,
    jobs: Option<Section>,
}

#[derive(Debug, Serialize)]
struct TlsFlags {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct PeerFlags {
    address: Option<String>,
    ca: Option<PathBuf>,
}
