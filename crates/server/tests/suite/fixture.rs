//! A role of two services, whose handlers wait until the test lets them go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use hallpass_contract::auth::{
    GetRevocationRequest, GetRevocationResponse, IntrospectTokenRequest, IntrospectTokenResponse,
    ListRevocationsRequest, ListRevocationsResponse, REVOCATION_SERVICE, RevocationService,
    RevokeAllTokensRequest, RevokeAllTokensResponse, RevokeManyRequest, RevokeManyResponse,
    RevokeRequest, RevokeResponse, RevokeTokenRequest, RevokeTokenResponse, TOKEN_SERVICE,
    TokenService, WatchRequest, WatchResponse, serve_revocation_service, serve_token_service,
};
use hallpass_guard::{Actions, CallLimits, Clock, Deadline, Guard, GuardSetup, Keys};
use hallpass_policy::Permit;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_revocation::{Claim, ClaimStore, Claiming, Freshness, Index};
use hallpass_server::{
    Bound, Config, Contract, Server, ServerSetup, ServiceSet, Shutdown, ShutdownSwitch, Sources,
    StartError, Stopped,
};
use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType,
    UnixTime, generate,
};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const DECLARED: &[&str] = &[TOKEN_SERVICE, REVOCATION_SERVICE];

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) channel: Channel,
    pub(crate) switch: ShutdownSwitch,
    pub(crate) gate: Arc<Gate>,
    pub(crate) ready: Arc<AtomicBool>,
    pub(crate) own: Arc<AtomicBool>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) serving: JoinHandle<Result<Stopped, StartError>>,
    token: String,
}

/// Where handlers wait.
#[derive(Debug)]
pub(crate) struct Gate {
    open: Semaphore,
    entered: Notify,
}

impl Gate {
    /// Lets every handler go, those to come included.
    pub(crate) fn open(&self) {
        self.open.close();
    }

    /// Waits until one more handler waits.
    pub(crate) async fn entered(&self) {
        self.entered.notified().await;
    }

    async fn pass(&self) {
        self.entered.notify_one();
        // Closed means open: an error is what lets a handler go.
        let _ = self.open.acquire().await;
    }
}

/// What a test changes about a server.
pub(crate) type Flags<'a> = BTreeMap<&'a str, serde_json::Value>;

pub(crate) fn config(flags: &Flags<'_>) -> Config {
    let sources = Sources::default().default_for("listen", "127.0.0.1:0").default_for("data", "/");
    Config::load(sources, flags).unwrap()
}

pub(crate) fn setup(services: ServiceSet) -> (ServerSetup, Keys) {
    setup_with(services, None)
}

pub(crate) fn setup_with(
    services: ServiceSet,
    claims: Option<Arc<dyn ClaimStore>>,
) -> (ServerSetup, Keys) {
    limited(services, claims, CallLimits::default())
}

pub(crate) fn limited(
    services: ServiceSet,
    claims: Option<Arc<dyn ClaimStore>>,
    limits: CallLimits,
) -> (ServerSetup, Keys) {
    let keys = Keys::new(KeyRing::new(vec![key()]).unwrap());
    let guard_setup = GuardSetup {
        rules: hallpass_contract::rule,
        keys: keys.clone(),
        index: Arc::new(Index::default()),
        changes: watch::Sender::new(0).subscribe(),
        freshness: Freshness::always(),
        clock: Clock::manual(NOW),
        actions: Actions::new(claims, Clock::manual(NOW)),
        sessions: None,
        node: 7,
        cache_bytes: GuardSetup::CACHE_BYTES,
    };
    let guard = Guard::limited(guard_setup, limits);
    let setup = ServerSetup {
        role: "test",
        declared: DECLARED.to_vec(),
        services,
        contract: Contract::HALLPASS,
        guard,
        telemetry: hallpass_telemetry::ServiceTelemetry::default(),
        ready: Arc::new(|| true),
        services_ready: Vec::new(),
        documents: Vec::new(),
        fetches: Vec::new(),
        node: 7,
    };
    (setup, keys)
}

pub(crate) fn services(gate: &Arc<Gate>) -> ServiceSet {
    ServiceSet::default()
        .add(serve_token_service(Tokens(Arc::clone(gate))))
        .add(serve_revocation_service(Revocations))
}

pub(crate) fn gate() -> Arc<Gate> {
    Arc::new(Gate { open: Semaphore::new(0), entered: Notify::new() })
}

impl Running {
    pub(crate) async fn start(flags: &Flags<'_>) -> Self {
        let (ready, own) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
        let gate = gate();
        let config = config(flags);
        let (mut setup, keys) = limited(services(&gate), None, config.limits.of_calls());
        let (node, service) = (Arc::clone(&ready), Arc::clone(&own));
        setup.ready = Arc::new(move || node.load(Ordering::SeqCst));
        let service: hallpass_server::Ready = Arc::new(move || service.load(Ordering::SeqCst));
        setup.services_ready = vec![(TOKEN_SERVICE, service)];
        let guard = Arc::clone(&setup.guard);
        let bound: Bound = Server::bind(&config, setup).await.unwrap();
        assert_ne!(bound.address().port(), 0);
        let address = bound.address();
        let channel = Channel::from_shared(format!("http://{address}")).unwrap();
        let (switch, shutdown) = Shutdown::by_hand();
        let serving = tokio::spawn(bound.serve(shutdown));
        let channel = channel.connect().await.unwrap();
        let token = keys.ring().mint("worker", &worker(), NOW).unwrap().expose().to_owned();
        Self { address, channel, switch, gate, ready, own, guard, serving, token }
    }

    /// A call that waits at the gate.
    pub(crate) fn waiting(
        &self,
        timeout: Option<&'static str>,
    ) -> JoinHandle<Result<IntrospectTokenResponse, Status>> {
        let mut client = TokenServiceClient::new(self.channel.clone());
        let mut request = self.with_token(IntrospectTokenRequest::default());
        if let Some(timeout) = timeout {
            request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        tokio::spawn(async move { Ok(client.introspect_token(request).await?.into_inner()) })
    }

    /// A call by which a node becomes fresh again.
    pub(crate) async fn vital(&self) -> Result<(), Status> {
        let mut client = TokenServiceClient::new(self.channel.clone());
        client.revoke_token(self.with_token(RevokeTokenRequest::default())).await.map(|_| ())
    }

    /// A stream that neither side ends.
    pub(crate) async fn endless(&self) -> Result<tonic::Streaming<WatchResponse>, Status> {
        let mut client = RevocationServiceClient::new(self.channel.clone());
        let request = self.with_token(tokio_stream::pending());
        Ok(client.watch(request).await?.into_inner())
    }

    pub(crate) fn with_token<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        request
    }
}

pub(crate) struct Tokens(pub(crate) Arc<Gate>);

impl TokenService for Tokens {
    type Error = Status;

    async fn revoke_all_tokens(
        &self,
        _: Permit,
        _: RevokeAllTokensRequest,
    ) -> Result<RevokeAllTokensResponse, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn introspect_token(
        &self,
        _: Permit,
        _: IntrospectTokenRequest,
    ) -> Result<IntrospectTokenResponse, Status> {
        let left = Deadline::current().map(|at| at.0.duration_since(tokio::time::Instant::now()));
        self.0.pass().await;
        let issuer = left.map_or_else(String::new, |left| left.as_secs().to_string());
        Ok(IntrospectTokenResponse { active: true, issuer, ..Default::default() })
    }

    async fn revoke_token(
        &self,
        _: Permit,
        _: RevokeTokenRequest,
    ) -> Result<RevokeTokenResponse, Status> {
        Ok(RevokeTokenResponse::default())
    }
}

pub(crate) struct Revocations;

impl RevocationService for Revocations {
    type Error = Status;

    async fn revoke(&self, _: Permit, _: RevokeRequest) -> Result<RevokeResponse, Status> {
        Ok(RevokeResponse::default())
    }

    async fn revoke_many(
        &self,
        _: Permit,
        _: Incoming<RevokeManyRequest>,
    ) -> Result<Reply<RevokeManyResponse, Status>, Status> {
        Ok(Box::pin(tokio_stream::empty()))
    }

    async fn get_revocation(
        &self,
        _: Permit,
        _: GetRevocationRequest,
    ) -> Result<GetRevocationResponse, Status> {
        Ok(GetRevocationResponse::default())
    }

    async fn list_revocations(
        &self,
        _: Permit,
        _: ListRevocationsRequest,
    ) -> Result<ListRevocationsResponse, Status> {
        Ok(ListRevocationsResponse::default())
    }

    async fn watch(
        &self,
        _: Permit,
        _: Incoming<WatchRequest>,
    ) -> Result<Reply<WatchResponse, Status>, Status> {
        Ok(Box::pin(tokio_stream::pending()))
    }
}

fn key() -> hallpass_token::Key {
    let spec = KeySpec {
        kid: "worker".to_owned(),
        issuer: "worker.test".to_owned(),
        owner: "labeler".to_owned(),
        types: vec![TokenType::Background],
        scopes: ["revocations:read"].into_iter().collect(),
        audiences: vec!["platform".to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).unwrap()
}

/// A background token: it may call both services.
pub(crate) fn worker() -> NewToken {
    let mut new = NewToken::new(TokenType::Background, TokenId::from_random([1; 16]));
    new.service = Some("labeler".to_owned());
    new.audience = vec!["platform".to_owned()];
    new.scopes = ["revocations:read"].into_iter().collect();
    new
}

/// Where nothing is ever claimed.
#[derive(Debug)]
pub(crate) struct NoClaims;

impl ClaimStore for NoClaims {
    fn claim(&self, _: Claim, _: UnixTime) -> Claiming<'_> {
        Box::pin(async { Ok(false) })
    }

    fn is_claimed(&self, _: Fingerprint) -> Claiming<'_> {
        Box::pin(async { Ok(false) })
    }
}
