//! A node that follows: a durable list, a guard in front of a service, and a client that calls it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{
    Actions, Attach, AttachLayer, Clock, Following, Guard, GuardLayer, GuardSetup, Keys,
};
use hallpass_nats::Mesh;
use hallpass_revocation::feed::Timing;
use hallpass_revocation::{Freshness, List, Options};
use http::uri::PathAndQuery;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status, Streaming};
use tonic_types::StatusExt as _;
use tower::Layer as _;

use super::keys::Pass;
use super::service::{GET, KNOWN, STAY, Served, rule};
use crate::echo::Bytes;

/// What a node of the mesh is run with.
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(2);
/// As Labeler has it: a dead connection to the feed is noticed after one or two of these.
const KEEPALIVE: Duration = Duration::from_secs(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The node. What follows ends with this value.
#[derive(Debug)]
pub struct Node {
    list: Arc<List>,
    keys: Keys,
    clock: Clock,
    freshness: Freshness,
    caller: Channel,
    stop: CancellationToken,
}

/// Why a call was refused: the reason in its error.
pub type Refused = String;

/// When an open stream ended at the client, and why.
#[derive(Debug)]
pub struct Ended {
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: Refused,
}

impl Node {
    /// Begins to serve; it is stale until it follows.
    pub(super) async fn start(folder: &Path, keys: &Keys, clock: &Clock) -> Self {
        let list = open_list(folder, clock);
        let freshness = Freshness::follower(MAX_STALENESS);
        let guard = Guard::start(GuardSetup {
            rules: rule,
            keys: keys.clone(),
            index: list.index(),
            changes: list.changes(),
            freshness: freshness.clone(),
            clock: clock.clone(),
            actions: Actions::new(None, clock.clone()),
            sessions: None,
            node: 2,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = Server::builder().layer(GuardLayer::new(guard)).add_service(Served);
        tokio::spawn(server.serve_with_incoming(incoming(listener)));
        let caller = endpoint(address).connect().await.expect("it listens");
        let (keys, clock, stop) = (keys.clone(), clock.clone(), CancellationToken::new());
        Self { list, keys, clock, freshness, caller, stop }
    }

    /// Follows an issuer's own feed, as Labeler does.
    pub(super) fn follow_issuer(&self, address: SocketAddr) {
        let (keys, clock) = (self.keys.clone(), self.clock.clone());
        let attach = Attach::new("labeler", keys, clock.clone(), hallpass_contract::rule);
        let channel = endpoint(address)
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true)
            .connect_lazy();
        let following = Following {
            issuer: AttachLayer::new(attach.expect("a key")).layer(channel),
            list: Arc::clone(&self.list),
            freshness: self.freshness.clone(),
            clock,
            timing: Timing::within(MAX_STALENESS),
        };
        tokio::spawn(following.run(self.stop.clone()));
    }

    /// Follows a stream on NATS that this issuer fills.
    pub(super) fn follow_nats(&self, mesh: Mesh, issuer: &str) {
        let (list, fresh) = (Arc::clone(&self.list), self.freshness.clone());
        let issuers = [issuer.to_owned()];
        let following =
            hallpass_nats::Following::new(mesh, list, fresh, self.clock.clone(), issuers);
        tokio::spawn(following.expect("a name").run(self.stop.clone()));
    }

    /// An ordinary call.
    pub async fn call(&self, pass: &Pass) -> Result<(), Refused> {
        self.unary(GET, pass).await
    }

    /// A call whose rule says that a stale node serves it.
    pub async fn call_known(&self, pass: &Pass) -> Result<(), Refused> {
        self.unary(KNOWN, pass).await
    }

    /// Opens a stream. Once it is open, what is returned waits for its end.
    pub async fn open(&self, pass: &Pass) -> impl Future<Output = Ended> + Send + use<> {
        let mut client = tonic::client::Grpc::new(self.caller.clone());
        client.ready().await.expect("the node serves");
        let path = PathAndQuery::from_static(STAY);
        let opened = client.server_streaming(request(pass), path, Bytes).await;
        let mut stream = opened.expect("the token is good").into_inner();
        assert!(next(&mut stream).await.is_ok(), "the stream has a first message");
        async move {
            let Err(reason) = next(&mut stream).await else {
                unreachable!("it has one message");
            };
            Ended { at: Instant::now(), reason }
        }
    }

    /// Waits until the node is fresh.
    pub(super) async fn until_it_serves(&self, pass: &Pass) {
        while self.call(pass).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn unary(&self, path: &'static str, pass: &Pass) -> Result<(), Refused> {
        let mut client = tonic::client::Grpc::new(self.caller.clone());
        client.ready().await.expect("the node serves");
        let path = PathAndQuery::from_static(path);
        client.unary(request(pass), path, Bytes).await.map(drop).map_err(|status| reason(&status))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The list in a folder that is made.
pub(super) fn open_list(folder: &Path, clock: &Clock) -> Arc<List> {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut epoch = [0; 8];
    aws_lc_rs::rand::fill(&mut epoch).expect("random bytes");
    Arc::new(List::open(folder, &Options::new(epoch, clock.now())).expect("a new list"))
}

/// As the mesh's servers take connections: what is small is sent at once.
pub(super) fn incoming(listener: TcpListener) -> TcpIncoming {
    TcpIncoming::from(listener).with_nodelay(Some(true))
}

async fn next(stream: &mut Streaming<Vec<u8>>) -> Result<(), Refused> {
    match stream.message().await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("no refusal: it ended well".to_owned()),
        Err(status) => Err(reason(&status)),
    }
}

fn request(pass: &Pass) -> Request<Vec<u8>> {
    let mut request = Request::new(b"measured".to_vec());
    request.metadata_mut().insert("authorization", pass.authorization.clone());
    request
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).expect("an address")
}

fn reason(status: &Status) -> Refused {
    let details = status.get_error_details();
    details.error_info().map_or_else(|| format!("no reason: {status}"), |info| info.reason.clone())
}
