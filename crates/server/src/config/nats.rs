//! Where the mesh's NATS servers are, as the section `[nats]` says.

use std::path::PathBuf;

use serde::Deserialize;

/// NATS, where the issuer's own feed is outgrown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsSection {
    /// `tls://HOST:PORT`, or `nats://HOST:PORT` on loopback; several of one cluster.
    pub servers: Vec<String>,
    /// Who this process is to them.
    pub user: Option<String>,
    /// Where its password is: `env:NAME` or `file:PATH`.
    pub password: Option<String>,
    /// The authority of the servers' certificates, PEM.
    pub ca: Option<PathBuf>,
    /// This process's certificate, PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// What the names of streams and subjects begin with.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// On how many servers each stream is kept.
    #[serde(default = "one")]
    pub replicas: usize,
    /// Under which name this Platform carries its revocations; no other one has it.
    #[serde(default = "platform")]
    pub issuer: String,
    /// The names of all Platforms of the mesh.
    #[serde(default = "platforms")]
    pub issuers: Vec<String>,
}

fn prefix() -> String {
    "hallpass".to_owned()
}

const fn one() -> usize {
    1
}

fn platform() -> String {
    "platform".to_owned()
}

fn platforms() -> Vec<String> {
    vec![platform()]
}
