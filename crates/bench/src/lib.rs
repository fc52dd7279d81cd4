//! What the benchmarks share: one guarded call without a network, and everything that it is made of.
//!
//! `cargo bench -p hallpass-bench --bench guarded` pairs a guarded server with an unguarded one; `micro` times and counts the
//! allocations of the parts; `instructions` counts their instructions under valgrind; `issuing` loads the issuer of action tokens;
//! `list` fills the durable list; `propagation` takes the time from a revocation to its force on every node; `attack` has attackers and
//! honest callers share a server.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a benchmark that cannot be set up should stop"
)]

pub mod attack;
pub mod echo;
pub mod figures;
pub mod memory;
pub mod propagation;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_guard::{Actions, Clock, Guard, GuardLayer, GuardSetup, Guarded, Keys};
use hallpass_policy::{Access, Permit, Rule, WhenStale};
use hallpass_revocation::{Entry, Freshness, Index};
use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType,
    UnixTime, generate,
};
use http::{HeaderValue, Request, Response};
use tokio::sync::watch;
use tonic::body::Body;
use tower::{Layer as _, Service};

/// The RPC that every benchmark calls.
pub const PATH: &str = "/bench.Echo/Get";

static RULE: Rule = Rule {
    path: PATH,
    service: "bench.Echo",
    method: "Get",
    audience: "labeler",
    access: Access::Tokens { types: &[TokenType::Service], action: None },
    scope: Some("labeler:read"),
    resources: &[],
    delegates: &[],
    when_stale: WhenStale::Refuse,
    request_bytes: 16 << 10,
    client_streaming: false,
    server_streaming: false,
    description: "Answer with the same bytes",
};

/// The rule of [`PATH`].
pub fn rule(path: &str) -> Option<&'static Rule> {
    (path == PATH).then_some(&RULE)
}

/// A ring with one key of each algorithm, named after it.
pub fn ring() -> KeyRing {
    let keys = Algorithm::ALL.map(|algorithm| {
        let spec = KeySpec {
            kid: algorithm.as_str().to_owned(),
            issuer: "platform".to_owned(),
            owner: "platform".to_owned(),
            types: vec![TokenType::Service, TokenType::Background],
            scopes: std::iter::once("labeler:read").collect(),
            audiences: vec!["labeler".to_owned()],
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        generate(algorithm, spec).expect("a key")
    });
    KeyRing::new(keys.into()).expect("a ring")
}

/// A service token as Platform mints it for one call.
pub fn new_token() -> NewToken {
    let mut token = NewToken::new(TokenType::Service, TokenId::from_random([7; 16]));
    token.subject = Some("alice".to_owned());
    token.service = Some("platform".to_owned());
    token.scopes = std::iter::once("labeler:read").collect();
    token.audience = vec!["labeler".to_owned()];
    token.life = Some(Duration::from_mins(5));
    token
}

/// A guard in front of a service that does nothing, and a token that it lets through.
pub struct Bench {
    /// The ring.
    pub ring: KeyRing,
    /// The guard.
    pub guard: Arc<Guard>,
    /// When the token was minted.
    pub now: UnixTime,
    /// The value of `authorization`.
    pub authorization: HeaderValue,
    permit: Permit,
    _changes: watch::Sender<u64>,
}

impl Bench {
    /// Starts a guard on the current tokio runtime.
    pub fn start() -> Self {
        let ring = ring();
        let clock = Clock::system();
        let now = clock.now();
        let minted = ring.mint("EdDSA", &new_token(), now).expect("a token");
        let authorization = HeaderValue::try_from(format!("Bearer {}", minted.expose()));
        let (teller, changes) = watch::channel(0);
        let guard = Guard::start(GuardSetup {
            rules: rule,
            keys: Keys::new(ring.clone()),
            index: Arc::new(Index::default()),
            changes,
            freshness: Freshness::always(),
            actions: Actions::new(None, clock.clone()),
            sessions: None,
            clock,
            node: 1,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let authorization = authorization.expect("a token is ASCII");
        let permit = permit(&guard, &authorization);
        Self { ring, guard, now, authorization, permit, _changes: teller }
    }

    /// The guard before a service that does nothing.
    pub fn guarded(&self) -> Guarded<Nothing> {
        GuardLayer::new(Arc::clone(&self.guard)).layer(Nothing)
    }

    /// A message as it reaches an adapter, with the permit of a call that was let through.
    pub fn message(&self) -> tonic::Request<()> {
        let mut message = tonic::Request::new(());
        message.extensions_mut().insert(self.permit.clone());
        message
    }

    /// A request as it reaches the guard.
    pub fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static(PATH);
        request.headers_mut().insert(http::header::AUTHORIZATION, self.authorization.clone());
        request.extensions_mut().insert(0_u8);
        request
    }
}

/// The permit of a call with this token.
fn permit(guard: &Arc<Guard>, authorization: &HeaderValue) -> Permit {
    let (tell, told) = std::sync::mpsc::channel();
    let taking = tower::service_fn(move |request: Request<Body>| {
        let _ = tell.send(request.extensions().get::<Permit>().cloned());
        ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(PATH);
    request.headers_mut().insert(http::header::AUTHORIZATION, authorization.clone());
    drop(GuardLayer::new(Arc::clone(guard)).layer(taking).call(request));
    told.recv().ok().flatten().expect("the call is let through")
}

/// Answers at once with nothing.
#[derive(Debug, Clone)]
pub struct Nothing;

impl Service<Request<Body>> for Nothing {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::empty())))
    }
}

/// An index of this many entries, and fingerprints that are in it.
pub fn index(entries: u64) -> (Index, Vec<Fingerprint>) {
    let index = Index::default();
    let all: Vec<_> = (0..entries).map(fingerprint).collect();
    for part in all.chunks(1 << 20) {
        let entry =
            |print: &Fingerprint| Entry { fingerprint: *print, issued_before: None, until: None };
        index.insert(&part.iter().map(entry).collect::<Vec<_>>());
    }
    (index, all)
}

/// The fingerprint of the numbered token.
pub fn fingerprint(number: u64) -> Fingerprint {
    Fingerprint::token("platform", &number.to_string())
}
