//! Health checks alone, for a process that serves nothing else.
//!
//! Invariant: no other service is ever added here: there is no guard.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tonic::service::Routes;
use tower::Layer as _;

use crate::accepting::accepting;
use crate::calls::CallsLayer;
use crate::connections::Connections;
use crate::health::{NodeHealth, list};
use crate::plain_http::PlainHttpLayer;
use crate::server::{StartError, listen};
use crate::transport::{Transport, served};
use crate::{Config, Ready, Shutdown};

/// Answers health checks: `live` for the process, the empty name for whether it can do its work.
pub struct Probe {
    address: SocketAddr,
    listener: TcpListener,
    connections: Arc<Connections>,
    transport: Transport,
    ready: Ready,
}

impl Probe {
    /// Takes the port, with the certificate of the configuration if there is one.
    pub async fn bind(
        config: &Config,
        address: SocketAddr,
        ready: Ready,
    ) -> Result<Self, StartError> {
        let connections = Connections::new(&config.limits)?;
        let (transport, listener) = (Transport::new(config)?, listen(address).await?);
        let address = listener.local_addr().map_err(|cause| StartError::Bind { address, cause })?;
        Ok(Self { address, listener, connections, transport, ready })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped; once the process is told to stop, that it is not ready.
    pub async fn serve(self, shutdown: Shutdown) {
        let health = NodeHealth::new(self.ready, BTreeMap::new(), shutdown);
        let routes = Routes::new(health.clone().into_service());
        let routes = list::add(routes, health).prepare();
        let plain = PlainHttpLayer::new(Vec::new(), is_health);
        let service = CallsLayer.layer(plain.layer(routes));
        let incoming = accepting(self.listener, self.connections);
        // It answers while the process drains, too.
        let (_never, dropped_last) = Shutdown::by_hand();
        self.transport.serve(incoming, served(service), dropped_last).await;
    }
}

fn is_health(path: &str) -> bool {
    hallpass_guard::public_rule(path).is_some_and(|rule| rule.service == "grpc.health.v1.Health")
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("address", &self.address).finish_non_exhaustive()
    }
}
