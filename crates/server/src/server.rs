//! A server from its settings to its end: checked, bound, serving, drained.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hallpass_guard::Guard;
use hallpass_telemetry::ServiceTelemetry;
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::accepting::accepting;
use crate::budget::Budget;
use crate::budget_layer::BudgetLayer;
use crate::client::ClientLayer;
use crate::connections::Connections;
use crate::descriptors::TooFewDescriptors;
use crate::documents::{self, Document};
use crate::fetches::{self, Fetch};
use crate::health::{NodeHealth, list};
use crate::layers::layers;
use crate::limits_layer::LimitsLayer;
use crate::plain_http::PlainHttpLayer;
use crate::transport::{Transport, served};
use crate::{Config, Contract, Ready, ServiceSet, ServiceSetError, Shutdown, TlsError, reflection};

/// What a server is made of.
pub struct ServerSetup {
    /// The name of the role, for the log.
    pub role: &'static str,
    /// The services that the role declares: these and no others must have been added.
    pub declared: Vec<&'static str>,
    /// The services.
    pub services: ServiceSet,
    /// What the services are held to.
    pub contract: Contract,
    /// The guard, started.
    pub guard: Arc<Guard>,
    /// What reports the calls.
    pub telemetry: ServiceTelemetry,
    /// Whether the node can serve at all, such as: its revocation list is fresh.
    pub ready: Ready,
    /// Services that need more than that, such as a peer.
    pub services_ready: Vec<(&'static str, Ready)>,
    /// Documents for plain HTTP by their paths, each of which the guard's public table has to name.
    pub documents: Vec<(&'static str, Document)>,
    /// What is fetched by plain HTTP with a query, by its path, which the guard's public table has to name, too.
    pub fetches: Vec<(&'static str, Fetch)>,
    /// A random number that tells this process's decisions from others'.
    pub node: u64,
}

/// A server that cannot be started, or that stopped by an error.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The services are not those that they should be.
    #[error(transparent)]
    Services(#[from] ServiceSetError),
    /// A token that is good for one call could be used for more.
    #[error(
        "tokens for {0} are good for one call, and this process has no store of claims to know which are spent"
    )]
    NoClaims(&'static str),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There are fewer file descriptors than connections.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// The address cannot be had.
    #[error("{address} cannot be listened on: {cause}; right: {}", remedy(.cause.kind()))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// Reflection cannot show the contract.
    #[error("the contract's descriptors cannot be shown by reflection")]
    Reflection,
}

/// What to do about an address that cannot be had.
fn remedy(kind: std::io::ErrorKind) -> &'static str {
    match kind {
        std::io::ErrorKind::AddrInUse => {
            "end the process that listens there, or choose another port"
        }
        std::io::ErrorKind::PermissionDenied => "a port above 1023",
        _ => "an address of this machine",
    }
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Every call under way was answered.
    Drained,
    /// Some calls were not: the time for draining was over, or it was told to stop at once.
    CutOff,
}

/// Checks and binds servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Checks everything that can be checked, and only then takes the port.
    pub async fn bind(config: &Config, setup: ServerSetup) -> Result<Bound, StartError> {
        setup.services.check(&setup.declared, &setup.contract)?;
        if let Some(action) = setup.services.single_use(&setup.contract)
            && !setup.guard.can_claim()
        {
            return Err(StartError::NoClaims(action.audience));
        }
        let transport = Transport::new(config)?;
        let connections = Connections::new(&config.limits)?;
        let listener = listen(config.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| StartError::Bind { address: config.listen, cause })?;
        Ok(Bound { address, listener, connections, transport, config: config.clone(), setup })
    }
}

/// A server that has its port, and does not serve yet.
pub struct Bound {
    address: SocketAddr,
    listener: TcpListener,
    connections: Arc<Connections>,
    transport: Transport,
    config: Config,
    setup: ServerSetup,
}

impl Bound {
    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop, then lets calls under way end, and ends.
    pub async fn serve(self, shutdown: Shutdown) -> Result<Stopped, StartError> {
        let Self { address, listener, connections, transport, config, setup } = self;
        let (role, drain) = (setup.role, config.drain);
        let routes = routes(&config, &setup, &shutdown)?;
        let guard = Arc::clone(&setup.guard);
        let plain = plain_http(&setup);
        let client = ClientLayer::new(config.limits.trusted_proxies.clone());
        let budget = Budget::new(&config.limits);
        let budget = BudgetLayer::new(budget, config.limits.stream_window_bytes);
        let limits = LimitsLayer::new(config.limits, guard, shutdown.clone());
        let incoming = accepting(listener, connections);
        let layers = layers(client, setup.telemetry, plain, limits, setup.guard, budget);
        let serving = transport.serve(incoming, served(layers.service(routes)), shutdown.clone());
        tracing::info!(role, %address, tls = config.tls.is_some(), "serving");
        let overdue = async {
            shutdown.clone().draining().await;
            tracing::info!(role, "draining");
            tokio::time::sleep(drain).await;
        };
        let stopped = tokio::select! {
            () = serving => Stopped::Drained,
            () = overdue => Stopped::CutOff,
            () = shutdown.clone().stopping() => Stopped::CutOff,
        };
        tracing::info!(role, %address, how = ?stopped, "stopped");
        Ok(stopped)
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).finish_non_exhaustive()
    }
}

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|cause| StartError::Bind { address, cause })
}

fn routes(config: &Config, setup: &ServerSetup, shutdown: &Shutdown) -> Result<Routes, StartError> {
    let names = setup.services.names();
    let mut services: BTreeMap<_, _> = names.iter().map(|name| (*name, None)).collect();
    services.extend(setup.services_ready.iter().map(|(name, own)| (*name, Some(Arc::clone(own)))));
    let health = NodeHealth::new(Arc::clone(&setup.ready), services, shutdown.clone());
    let routes = setup.services.clone().into_routes().add_service(health.clone().into_service());
    let routes =
        if config.reflection { reflection::add(routes, names, &setup.contract)? } else { routes };
    let routes = documents::add(list::add(routes, health), &setup.documents);
    Ok(fetches::add(routes, &setup.fetches).prepare())
}

fn plain_http(setup: &ServerSetup) -> PlainHttpLayer {
    let documents = setup.documents.iter().map(|(path, _)| *path);
    let served: Vec<_> = documents.chain(setup.fetches.iter().map(|(path, _)| *path)).collect();
    let guard = Arc::clone(&setup.guard);
    PlainHttpLayer::new(served, move |path| guard.rule(path).is_some())
}
