//! The issuer: a durable list, the service that revokes and feeds, and an administrator who calls it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{RevocationTarget, RevokeRequest, TokenName};
use hallpass_contract::rule;
use hallpass_guard::{Actions, Clock, Guard, GuardLayer, GuardSetup, Keys};
use hallpass_nats::{Carrying, Following, Mesh};
use hallpass_revocation::{Freshness, List};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};

use super::node::{MAX_STALENESS, incoming, open_list};
use super::{ISSUER, keys};

/// The issuer. Its tasks end with the runtime, those on NATS with this value.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    client: RevocationServiceClient<Channel>,
    administrator: MetadataValue<Ascii>,
    _stop: DropGuard,
}

impl Issuer {
    /// Begins to serve, and to carry its list where there is a NATS server.
    pub(super) async fn start(
        folder: &Path,
        keys: &Keys,
        clock: &Clock,
        nats: Option<Mesh>,
    ) -> Self {
        let (list, stop) = (open_list(folder, clock), CancellationToken::new());
        let freshness = match nats {
            None => Freshness::always(),
            Some(mesh) => join(mesh, &list, clock, &stop),
        };
        let address = serve(&list, keys, clock, freshness).await;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        let channel = endpoint.connect().await.expect("it listens");
        Self {
            address,
            client: RevocationServiceClient::new(channel),
            administrator: keys::administrator(keys, clock.now()),
            _stop: stop.drop_guard(),
        }
    }

    /// Where it serves.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Revokes a token. Returns with the acknowledgement.
    pub async fn revoke(&self, token_id: &str) -> Result<(), Status> {
        let name = TokenName { issuer: "platform".to_owned(), token_id: token_id.to_owned() };
        let target = RevocationTarget { target: Some(Target::Token(name)) };
        let mut request = Request::new(RevokeRequest {
            target: Some(target),
            reason: "measured".to_owned(),
            ..RevokeRequest::default()
        });
        request.metadata_mut().insert("authorization", self.administrator.clone());
        self.client.clone().revoke(request).await.map(drop)
    }

    /// Waits until revocations are acknowledged: on NATS they are not before they can be carried.
    pub(super) async fn until_it_revokes(&self) {
        while self.revoke("the first").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Follows what other issuers say, and carries what this one says, as Platform does.
fn join(mesh: Mesh, list: &Arc<List>, clock: &Clock, stop: &CancellationToken) -> Freshness {
    let freshness = Freshness::follower(MAX_STALENESS);
    let issuers = [ISSUER.to_owned()];
    let (of, fresh) = (Arc::clone(list), freshness.clone());
    let following = Following::new(mesh.clone(), of, fresh, clock.clone(), issuers);
    tokio::spawn(following.expect("a name").run(stop.clone()));
    let carrying = Carrying::new(mesh, Arc::clone(list), clock.clone(), ISSUER.to_owned());
    tokio::spawn(carrying.expect("a name").run(stop.clone()));
    freshness
}

async fn serve(list: &Arc<List>, keys: &Keys, clock: &Clock, freshness: Freshness) -> SocketAddr {
    let actions = Actions::new(None, clock.clone());
    let guard = Guard::start(GuardSetup {
        rules: rule,
        keys: keys.clone(),
        index: list.index(),
        changes: list.changes(),
        freshness,
        clock: clock.clone(),
        actions: Arc::clone(&actions),
        sessions: None,
        node: 1,
        cache_bytes: GuardSetup::CACHE_BYTES,
    });
    let issuer =
        hallpass_issuer::Issuer::new(Arc::clone(list), keys.clone(), clock.clone(), actions);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut server = Server::builder().layer(GuardLayer::new(guard));
    let server = server.add_service(issuer.revocations().service);
    tokio::spawn(server.serve_with_incoming(incoming(listener)));
    address
}
