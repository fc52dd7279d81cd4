//! Health checks alone, for a process that serves nothing else.
//!
//! Invariant: no other service is ever added here: there is no guard.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::accepting::accepting;
use crate::calls::CallsLayer;
use crate::connections::Connections;
use crate::health::NodeHealth;
use crate::server::{StartError, listen, transport};
use crate::{Config, Ready, Shutdown};

/// Answers health checks: `live` for the process, the empty name for whether it can do its work.
pub struct Probe {
    address: SocketAddr,
    listener: TcpListener,
    connections: Arc<Connections>,
    transport: tonic::transport::Server,
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
        let (transport, listener) = (transport(config)?, listen(address).await?);
        let address = listener.local_addr().map_err(|cause| StartError::Bind { address, cause })?;
        Ok(Self { address, listener, connections, transport, ready })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped; once the process is told to stop, that it is not ready.
    pub async fn serve(self, shutdown: Shutdown) -> Result<(), StartError> {
        let health = NodeHealth::new(self.ready, BTreeMap::new(), shutdown);
        let routes = Routes::new(health.into_service());
        let transport = self.transport.layer(CallsLayer).add_routes(routes);
        Ok(transport.serve_with_incoming(accepting(self.listener, self.connections)).await?)
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("address", &self.address).finish_non_exhaustive()
    }
}
