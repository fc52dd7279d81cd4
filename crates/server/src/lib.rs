//! How every service starts, stands and stops: configuration, TLS, the order of the layers, health, reflection, shutdown.
//!
//! Invariants: a server binds only if every service that its role declares is there and each of their methods has a rule; a
//! port or a peer beyond loopback is never plaintext by oversight; no call reaches a service except through the guard.

mod accepting;
mod activity;
mod budget;
mod budget_layer;
mod calls;
mod client;
mod config;
mod connection;
mod connections;
mod contract;
mod descriptors;
mod documents;
mod ending;
mod fetches;
mod forwarded;
mod framing;
mod gunzip;
mod gzip;
mod health;
mod layers;
mod limits;
mod limits_layer;
mod machine_memory;
mod peer;
mod peer_channel;
pub mod pem;
mod plain_http;
pub mod private_file;
mod probe;
mod proxies;
mod reflection;
mod server;
mod service_set;
mod shutdown;
mod timeout;
mod tls;
mod transport;

pub use config::{
    BucketSection, Claim, Config, ConfigError, Database, DatabaseUrl, DatasetLimits, JobEngine,
    JobsSection, Keepalive, LabelerSection, NatsSection, OidcSection, OneOrMore, Problem, Required,
    SessionsSection, Sources, TemporalSection, TrainerSection,
};
pub use contract::Contract;
pub use descriptors::TooFewDescriptors;
pub use documents::Document;
pub use fetches::Fetch;
pub use health::{LIVENESS, Ready};
pub use limits::{Limits, Percent};
pub use peer::{Peer, PeerError};
pub use peer_channel::PeerChannel;
pub use probe::Probe;
pub use proxies::Proxies;
pub use server::{Bound, Server, ServerSetup, StartError, Stopped};
pub use service_set::{ServiceSet, ServiceSetError};
pub use shutdown::{Shutdown, ShutdownSwitch};
pub use tls::{TlsError, TlsFiles};
