//! An issuer of revocations and three nodes that follow it, over sockets on loopback: what `propagation` measures.
//!
//! Every part is the one that the mesh is made of: issuer and nodes have durable lists on a disk, guards in front of their services
//! and connections of their own; each node's way to what it follows leads through a relay that can be cut.

mod issuer;
mod keys;
mod node;
mod partition;
mod relay;
mod revoking;
mod server;
mod service;

use std::path::Path;

use hallpass_guard::{Clock, Keys};
use hallpass_nats::{Mesh, Settings};
use hallpass_token::UnixTime;

pub use issuer::Issuer;
pub use keys::{Pass, ring};
pub use node::{Ended, Node, Refused};
pub use partition::{Partition, partition};
pub use relay::Relay;
pub use revoking::{Revoking, revoke};
pub use server::NatsServer;

/// How many nodes follow.
pub const NODES: usize = 3;

/// The issuer's name on NATS.
const ISSUER: &str = "platform";

/// One issuer, and the nodes that it reaches in one way.
#[derive(Debug)]
pub struct Feed {
    /// What it is called in tables.
    pub name: &'static str,
    issuer: Issuer,
    nodes: Vec<(Relay, Node)>,
    keys: Keys,
    clock: Clock,
    _server: Option<NatsServer>,
}

impl Feed {
    /// By the issuer's own feed, its state in a folder, which has to outlive the runtime: lists write to the end.
    pub async fn own(folder: &Path, clock: &Clock) -> Self {
        let keys = Keys::new(ring());
        let issuer = Issuer::start(&folder.join("issuer"), &keys, clock, None).await;
        let mut nodes = Vec::new();
        for number in 1..=NODES {
            let relay = Relay::before(issuer.address()).await;
            let at = folder.join(number.to_string());
            let node = Node::start(&at, &keys, clock).await;
            node.follow_issuer(relay.address());
            nodes.push((relay, node));
        }
        Self::fresh("own feed", issuer, nodes, keys, clock, None).await
    }

    /// By NATS; `None` after saying that there is no server.
    pub async fn nats(folder: &Path, clock: &Clock) -> Option<Self> {
        let keys = Keys::new(ring());
        let server = NatsServer::start(folder).await?;
        let mesh = mesh_at(server.address()).await;
        let issuer = Issuer::start(&folder.join("issuer"), &keys, clock, Some(mesh)).await;
        let mut nodes = Vec::new();
        for number in 1..=NODES {
            let relay = Relay::before(server.address()).await;
            let at = folder.join(number.to_string());
            let node = Node::start(&at, &keys, clock).await;
            node.follow_nats(mesh_at(relay.address()).await, ISSUER);
            nodes.push((relay, node));
        }
        Some(Self::fresh("NATS", issuer, nodes, keys, clock, Some(server)).await)
    }

    /// Once every node serves.
    async fn fresh(
        name: &'static str,
        issuer: Issuer,
        nodes: Vec<(Relay, Node)>,
        keys: Keys,
        clock: &Clock,
        server: Option<NatsServer>,
    ) -> Self {
        let clock = clock.clone();
        let feed = Self { name, issuer, nodes, keys, clock, _server: server };
        let pass = feed.pass();
        feed.issuer.until_it_revokes().await;
        for (_, node) in &feed.nodes {
            node.until_it_serves(&pass).await;
        }
        feed
    }

    /// A token that nobody has seen yet.
    pub fn pass(&self) -> Pass {
        Pass::mint(&self.keys, self.now())
    }

    /// The issuer.
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The nodes, each behind the relay to what it follows.
    pub fn nodes(&self) -> &[(Relay, Node)] {
        &self.nodes
    }

    fn now(&self) -> UnixTime {
        self.clock.now()
    }
}

async fn mesh_at(address: std::net::SocketAddr) -> Mesh {
    let settings = Settings {
        servers: vec![format!("nats://{address}")],
        login: None,
        ca: None,
        certificate: None,
        prefix: "hallpass".to_owned(),
        replicas: 1,
    };
    Mesh::connect(&settings).await.expect("settings that are right")
}
