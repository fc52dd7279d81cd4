//! Where the mesh's NATS servers are, as the section `[nats]` says.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// NATS, where the issuer's own feed is outgrown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsSection {
    /// `tls://HOST:PORT`, or `nats://HOST:PORT` on loopback; several of one cluster, as a list or with commas between. Without a scheme an
    /// address is one of `nats://`.
    #[serde(deserialize_with = "servers")]
    pub servers: Vec<String>,
    /// Who this process is to them. Beside `password`; instead of both, `nkey` or `credentials`.
    pub user: Option<String>,
    /// Where its password is: `env:NAME` or `file:PATH`.
    pub password: Option<String>,
    /// Where the seed of its nkey is: `env:NAME` or `file:PATH`.
    pub nkey: Option<String>,
    /// Where its credentials file is, with a JWT and a seed: `file:PATH`, or `env:NAME` for a variable with its text.
    pub credentials: Option<String>,
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

/// As other NATS clients take them.
fn servers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a list of addresses, or one text with commas between them"
    )]
    enum Written {
        One(String),
        List(Vec<String>),
    }
    let written = match Written::deserialize(from)? {
        Written::One(text) => vec![text],
        Written::List(list) => list,
    };
    let addresses = written.iter().flat_map(|text| text.split(',')).map(str::trim);
    Ok(addresses.filter(|address| !address.is_empty()).map(address).collect())
}

fn address(written: &str) -> String {
    if written.contains("://") { written.to_owned() } else { format!("nats://{written}") }
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
