//! A client of the library without a network between them, and a guard that decides every call as one of alice's.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, UnixTime,
    Verified, generate,
};
use hallpass_trial::policy::{Credential, DecisionId, Desk, Facts, ListState, Permit, decide};
use hallpass_trial::rule;
use hallpass_trial::v1::library_service_client::LibraryServiceClient;
use hallpass_trial::v1::{LIBRARY_SERVICE, serve_library_service};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};

use crate::desk::MemoryDesk;
use crate::library::Library;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A client whose calls are decided as alice's.
pub(crate) fn call() -> (LibraryServiceClient<InProcess>, Library) {
    let Connected { client, library, .. } = connected();
    (client, library)
}

/// A client whose calls are decided as alice's, what it calls, and where her action tokens are used up.
pub(crate) struct Connected {
    pub(crate) client: LibraryServiceClient<InProcess>,
    pub(crate) library: Library,
    pub(crate) desk: MemoryDesk,
}

/// A client whose calls are decided as alice's.
pub(crate) fn connected() -> Connected {
    let desk = MemoryDesk::default();
    let (client, library) = connect(Some(Alice::new(desk.clone())));
    Connected { client, library, desk }
}

/// A client whose calls nobody decides.
pub(crate) fn call_without_guard() -> (LibraryServiceClient<InProcess>, Library) {
    connect(None)
}

fn connect(alice: Option<Alice>) -> (LibraryServiceClient<InProcess>, Library) {
    let library = Library::default();
    let served = serve_library_service(library.clone(), Arc::new(library.clone()));
    assert_eq!(served.name, LIBRARY_SERVICE);
    let mut service = served.service;
    let serve = Box::new(move |request| service.call(request).boxed());
    (LibraryServiceClient::new(InProcess { alice, serve }), library)
}

trait Boxed: Future + Send + Sized + 'static {
    fn boxed(self) -> Answer<Self::Output> {
        Box::pin(self)
    }
}

impl<F: Future + Send + 'static> Boxed for F {}

type Answer<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
type Served = Result<http::Response<Body>, Infallible>;

/// The service, called directly.
pub(crate) struct InProcess {
    alice: Option<Alice>,
    serve: Box<dyn FnMut(http::Request<Body>) -> Answer<Served> + Send>,
}

impl Service<http::Request<Body>> for InProcess {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        if let Some(alice) = &self.alice {
            let permit = alice.permit(request.uri().path());
            request.extensions_mut().insert(permit);
            request.extensions_mut().insert(Desk(Arc::new(alice.desk.clone())));
        }
        (self.serve)(request)
    }
}

struct Alice {
    user: Arc<Verified>,
    burn: Arc<Verified>,
    close: Arc<Verified>,
    desk: MemoryDesk,
    calls: AtomicU64,
}

impl Alice {
    fn new(desk: MemoryDesk) -> Self {
        let spec = KeySpec {
            kid: "one".to_owned(),
            issuer: "https://library.test".to_owned(),
            owner: "edge".to_owned(),
            types: vec![TokenType::User, TokenType::Action],
            scopes: std::iter::once("library:use").collect(),
            audiences: ["library", "library.burn", "library.close"].map(str::to_owned).to_vec(),
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        };
        let ring = KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap();
        let token = |kind, audience: &str| {
            let mut token = NewToken::new(kind, TokenId::from_random([3; 16]));
            token.subject = Some("alice".to_owned());
            token.scopes = std::iter::once("library:use").collect();
            token.audience = vec![audience.to_owned()];
            token.life = Some(Duration::from_secs(100));
            (token.roles, token.amr) = (vec!["librarian".to_owned()], vec!["otp".to_owned()]);
            token.auth_time = Some(NOW);
            let minted = ring.mint("one", &token, NOW).unwrap();
            Arc::new(ring.verify(minted.expose(), NOW).unwrap())
        };
        Self {
            user: token(TokenType::User, "library"),
            burn: token(TokenType::Action, "library.burn"),
            close: token(TokenType::Action, "library.close"),
            desk,
            calls: AtomicU64::new(0),
        }
    }

    fn permit(&self, path: &str) -> Permit {
        let rule = rule(path).unwrap();
        let action = rule.action().map(|action| match action.audience {
            "library.burn" => &self.burn,
            _ => &self.close,
        });
        let facts = Facts {
            rule,
            bearer: Some(Credential::new(&self.user)),
            action: action.map(Credential::new),
            list: ListState::Fresh,
            client_certificate: None,
        };
        decide(&facts, NOW, DecisionId::new(1, self.calls.fetch_add(1, Ordering::SeqCst))).unwrap()
    }
}
