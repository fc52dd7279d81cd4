//! What attackers do to a server, all at once and for a bounded time, and what honest callers get done meanwhile.
//!
//! The same attacks go to any gRPC server: only the path, the token and the service names differ ([`Target`]). Loopback only.

mod attackers;
mod honest;

use std::net::SocketAddr;
use std::time::Duration;

pub use attackers::attack;
pub use honest::{Served, call};

/// A server under attack.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    /// The unary RPC that honest callers call, and attackers withhold the message of.
    pub path: String,
    /// The stream that attackers watch with long service names.
    pub watch: String,
    /// The stream whose answers attackers do not read.
    pub reflection: String,
    /// A valid token without a scope; empty where the server takes none.
    pub token: String,
    /// How long to go on.
    pub lasts: Duration,
}

impl Target {
    /// The target that a parent process describes in the environment.
    pub fn from_environment() -> Self {
        let read = |name: &str| std::env::var(name).expect("the parent sets it");
        Self {
            address: read("ATTACK_ADDRESS").parse().expect("an address"),
            path: read("ATTACK_PATH"),
            watch: read("ATTACK_WATCH"),
            reflection: read("ATTACK_REFLECTION"),
            token: read("ATTACK_TOKEN"),
            lasts: Duration::from_millis(read("ATTACK_MILLIS").parse().expect("milliseconds")),
        }
    }

    /// The environment from which a child process reads it.
    pub fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("ATTACK_ADDRESS", self.address.to_string()),
            ("ATTACK_PATH", self.path.clone()),
            ("ATTACK_WATCH", self.watch.clone()),
            ("ATTACK_REFLECTION", self.reflection.clone()),
            ("ATTACK_TOKEN", self.token.clone()),
            ("ATTACK_MILLIS", self.lasts.as_millis().to_string()),
        ]
    }
}
