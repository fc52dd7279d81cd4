//! A guard on a clock that is moved, with a key ring of a user issuer and of two services, and an empty list.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_guard::{Actions, CallLimits, Clock, Guard, GuardLayer, GuardSetup, Keys};
use hallpass_revocation::{
    ClaimStore, Claims, Entry, Freshness, Index, Options, SessionLimits, Sessions,
};
use hallpass_token::{
    Algorithm, Fingerprint, Key, KeyRing, KeySpec, KeyState, NewToken, Profile, SecretRef, TokenId,
    TokenType, UnixTime, generate,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic_types::StatusExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::rules::rule;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const STALENESS: Duration = Duration::from_secs(2);
pub(crate) const ISSUER: &str = "users.test";

pub(crate) struct Mesh {
    pub(crate) clock: Clock,
    pub(crate) keys: Keys,
    pub(crate) all: Vec<Key>,
    pub(crate) index: Arc<Index>,
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) freshness: Freshness,
    pub(crate) guard: Arc<Guard>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The handler saw this.
    Entered(Box<Parts>),
    /// The client saw this.
    Refused(Status),
}

impl Mesh {
    pub(crate) fn start() -> Self {
        Self::with(Freshness::always())
    }

    pub(crate) fn with(freshness: Freshness) -> Self {
        Self::made(freshness, None, CallLimits::default()).0
    }

    /// With a store of claims, or without one.
    pub(crate) fn with_claims(claims: Option<Claims>) -> (Self, Arc<Actions>) {
        Self::made(Freshness::always(), claims, CallLimits::default())
    }

    pub(crate) fn limited(limits: CallLimits) -> Self {
        Self::made(Freshness::always(), None, limits).0
    }

    pub(crate) fn limited_with(freshness: Freshness, limits: CallLimits) -> Self {
        Self::made(freshness, None, limits).0
    }

    /// With a guard that remembers about so many bytes of tokens.
    pub(crate) fn remembering(bytes: u64) -> Self {
        let limits = CallLimits::default();
        Self::changed(Freshness::always(), None, limits, |setup| setup.cache_bytes = bytes).0
    }

    /// With the index of a list of the test's own.
    pub(crate) fn over(index: Arc<Index>) -> Self {
        let limits = CallLimits::default();
        Self::changed(Freshness::always(), None, limits, |setup| setup.index = index).0
    }

    /// With sessions, whose store is in this folder.
    pub(crate) fn with_sessions(freshness: Freshness, folder: &Path) -> (Self, Sessions) {
        let index = Arc::new(Index::default());
        let (options, limits) = (Options::new([7; 8], NOW), SessionLimits::default());
        let sessions = Sessions::open(folder, &options, limits, Arc::clone(&index)).unwrap();
        let change = |setup: &mut GuardSetup| {
            setup.index = index;
            setup.sessions = Some(sessions.clone());
        };
        let mesh = Self::changed(freshness, None, CallLimits::default(), change).0;
        (mesh, sessions)
    }

    fn made(
        freshness: Freshness,
        claims: Option<Claims>,
        limits: CallLimits,
    ) -> (Self, Arc<Actions>) {
        Self::changed(freshness, claims, limits, |_| {})
    }

    fn changed(
        freshness: Freshness,
        claims: Option<Claims>,
        limits: CallLimits,
        change: impl FnOnce(&mut GuardSetup),
    ) -> (Self, Arc<Actions>) {
        let all = vec![
            key("users", "edge", &[TokenType::User, TokenType::Action]),
            key("platform-1", "platform", &[TokenType::Service, TokenType::Background]),
            key("labeler-1", "labeler", &[TokenType::Service, TokenType::Background]),
            key("actions", "platform", &[TokenType::Action]),
        ];
        let keys = Keys::new(KeyRing::new(all.clone()).unwrap());
        let clock = Clock::manual(NOW);
        let changes = watch::Sender::new(0);
        let claims = claims.map(|claims| Arc::new(claims) as Arc<dyn ClaimStore>);
        let actions = Actions::new(claims, clock.clone());
        let mut setup = GuardSetup {
            rules: rule,
            keys: keys.clone(),
            index: Arc::new(Index::default()),
            changes: changes.subscribe(),
            freshness: freshness.clone(),
            clock: clock.clone(),
            actions: Arc::clone(&actions),
            sessions: None,
            node: 7,
            cache_bytes: GuardSetup::CACHE_BYTES,
        };
        change(&mut setup);
        let index = Arc::clone(&setup.index);
        let guard = Guard::limited(setup, limits);
        (Self { clock, keys, all, index, changes, freshness, guard }, actions)
    }

    /// A token as its key's owner mints it.
    pub(crate) fn mint(&self, kid: &str, new: &NewToken) -> String {
        self.keys.ring().mint(kid, new, self.clock.now()).unwrap().expose().to_owned()
    }

    pub(crate) fn user_token(&self) -> String {
        self.mint("users", &user("ann"))
    }

    /// A user's token and what it is revoked by.
    pub(crate) fn revocable(&self) -> (String, Fingerprint) {
        let new = user("ann");
        (self.mint("users", &new), Fingerprint::token(ISSUER, new.id.as_str()))
    }

    /// Revokes as the list does: first the index, then the news.
    pub(crate) fn revoke(&self, fingerprint: Fingerprint) {
        self.index.insert(&[Entry::exact(fingerprint, None)]);
        self.changes.send_modify(|sequence| *sequence += 1);
    }

    /// Replaces the ring by all keys, with this one in another state.
    pub(crate) fn reload_with(&self, kid: &str, state: KeyState) {
        let keys = self.all.iter().map(|old| {
            if old.kid() != kid {
                return old.clone();
            }
            generate(Algorithm::EdDsa, KeySpec { state, ..old.spec().clone() }).unwrap()
        });
        self.keys.reload(KeyRing::new(keys.collect()).unwrap());
    }

    /// Replaces the ring by one whose file differs: `change` is given each key's entry and may drop it.
    pub(crate) fn reload_changed(&self, change: impl Fn(&str, &mut Value) -> bool) {
        let file = self.keys.ring().to_json();
        let mut file: Value = serde_json::from_str(file.expose_secret()).unwrap();
        file["keys"].as_array_mut().unwrap().retain_mut(|key| {
            let kid = key["kid"].as_str().unwrap().to_owned();
            change(&kid, &mut key["hallpass"])
        });
        let no_secrets = |_: &SecretRef| Err("none".to_owned());
        self.keys.reload(KeyRing::parse(&file.to_string(), &no_secrets).unwrap());
    }

    /// Calls a unary RPC through the layer.
    pub(crate) async fn call(&self, path: &str, token: &str) -> Outcome {
        let bearer = format!("Bearer {token}");
        self.send(request(path, &[("authorization", &bearer)])).await
    }

    /// Sends a request through the layer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Outcome {
        self.sending(request).await
    }

    /// As [`Mesh::send`], for a task of its own.
    pub(crate) fn sending(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Outcome> + Send + 'static {
        let entered = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&entered);
        let handler = service_fn(move |request: Request<Body>| {
            *seen.lock().unwrap() = Some(request.into_parts().0);
            std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
        });
        let service = GuardLayer::new(Arc::clone(&self.guard)).layer(handler);
        async move {
            let response = service.oneshot(request).await.unwrap();
            match entered.lock().unwrap().take() {
                Some(parts) => Outcome::Entered(Box::new(parts)),
                None => Outcome::Refused(Status::from_header_map(response.headers()).unwrap()),
            }
        }
    }
}

impl Outcome {
    /// `OK` or the stable reason.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Entered(_) => "OK".to_owned(),
            Self::Refused(status) => reason(status),
        }
    }

    pub(crate) fn status(&self) -> &Status {
        match self {
            Self::Entered(_) => panic!("the handler was entered"),
            Self::Refused(status) => status,
        }
    }

    pub(crate) fn parts(&self) -> &Parts {
        match self {
            Self::Entered(parts) => parts,
            Self::Refused(status) => panic!("refused: {status}"),
        }
    }
}

/// The stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no reason: {status}"));
    assert_eq!(info.domain, "hallpass");
    assert_eq!(info.metadata["decision_id"].len(), 32);
    info.reason.clone()
}

pub(crate) fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post(format!("http://t{path}")).body(Body::empty()).unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

/// A user's token that may call everything readable.
pub(crate) fn user(subject: &str) -> NewToken {
    with(NewToken::new(TokenType::User, id()), |new| {
        new.subject = Some(subject.to_owned());
        new.audience = vec!["platform".to_owned()];
        new.scopes = ["platform:read"].into_iter().collect();
    })
}

/// A service's token, made for Labeler.
pub(crate) fn service(token_type: TokenType) -> NewToken {
    with(NewToken::new(token_type, id()), |new| {
        new.subject = (token_type == TokenType::Service).then(|| "ann".to_owned());
        new.service = Some("platform".to_owned());
        new.audience = vec!["labeler".to_owned()];
        new.scopes = ["labeler:read"].into_iter().collect();
    })
}

/// An action token.
pub(crate) fn action(subject: &str, audience: &str) -> NewToken {
    with(NewToken::new(TokenType::Action, id()), |new| {
        new.subject = Some(subject.to_owned());
        new.audience = vec![audience.to_owned()];
    })
}

/// A token with something about it changed.
pub(crate) fn with(mut new: NewToken, change: impl FnOnce(&mut NewToken)) -> NewToken {
    change(&mut new);
    new
}

pub(crate) fn id() -> TokenId {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    TokenId::from_random(bytes)
}

pub(crate) fn key(kid: &str, owner: &str, types: &[TokenType]) -> Key {
    let scopes = [
        "platform:read",
        "platform:admin",
        "labeler:read",
        "audit:write",
        "revocations:read",
        "revocations:admin",
    ];
    let audiences = ["platform", "labeler", "audit", "jobs.abort", "jobs.create"];
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: if owner == "edge" { ISSUER.to_owned() } else { owner.to_owned() },
        owner: owner.to_owned(),
        types: types.to_vec(),
        scopes: scopes.into_iter().collect(),
        audiences: audiences.into_iter().map(ToOwned::to_owned).collect(),
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: types.contains(&TokenType::User),
        roots: None,
        max_life: None,
    };
    generate(Algorithm::EdDsa, spec).unwrap()
}

/// Waits until something is so; the test fails if that never comes.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("in good time")
}

/// Waits until a condition holds; the test fails if it never does.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    soon(async {
        while !condition() {
            look.tick().await;
        }
    })
    .await;
}
