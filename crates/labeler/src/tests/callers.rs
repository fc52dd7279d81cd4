//! People and workers that call Labeler through the whole of it: the decision, the adapters, the object check, the handlers.

use std::sync::Arc;
use std::task::{Context, Poll};

use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::permission_service_client::PermissionServiceClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::split_service_client::SplitServiceClient;
use hallpass_contract::labeler::upload_service_client::UploadServiceClient;
use hallpass_policy::adapter::GrpcService;
use hallpass_policy::{Credential, DecisionId, Facts, ListState, Permit, decide};
use hallpass_token::{
    Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, ResourceClaim, TokenId, TokenType,
    UnixTime, Verified, generate,
};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};

use super::world::World;
use crate::Labeler;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// A user.
    User(String),
    /// A user with a token that is for one object.
    Bound(String, &'static str, String),
    /// A worker, with a token that is for one object if one is given.
    Worker(Option<(&'static str, String)>),
    /// A worker for a job of this user.
    WorkerOf(String, &'static str, String),
    /// A worker with a token of another minter, which names no object.
    OtherMinters,
}

impl From<&str> for Who {
    fn from(user: &str) -> Self {
        Self::User(user.to_owned())
    }
}

/// Signs the callers' tokens.
pub(super) struct Mint(KeyRing);

/// One that calls.
pub(super) struct Caller<'a> {
    labeler: &'a Labeler,
    token: Arc<Verified>,
    now: UnixTime,
}

impl Mint {
    pub(super) fn new() -> Self {
        let keys = [("mesh", Profile::Standard), ("others", Profile::HybridV1)];
        Self(KeyRing::new(keys.map(|(kid, profile)| key(kid, profile)).into()).unwrap())
    }

    pub(super) fn caller<'a>(&self, world: &'a World, who: &Who) -> Caller<'a> {
        let (labeler, now) = (&world.labeler, world.now());
        let (kid, token) = token(who);
        let minted = self.0.mint(kid, &token, now).unwrap();
        let token = Arc::new(self.0.verify(minted.expose(), now).unwrap());
        Caller { labeler, token, now }
    }
}

impl Caller<'_> {
    pub(super) fn datasets(&self) -> DatasetServiceClient<Decided<impl GrpcService + use<>>> {
        DatasetServiceClient::new(self.through(self.labeler.datasets().service))
    }

    pub(super) fn permissions(&self) -> PermissionServiceClient<Decided<impl GrpcService + use<>>> {
        PermissionServiceClient::new(self.through(self.labeler.permissions().service))
    }

    pub(super) fn snapshots(&self) -> SnapshotServiceClient<Decided<impl GrpcService + use<>>> {
        SnapshotServiceClient::new(self.through(self.labeler.snapshots().service))
    }

    pub(super) fn splits(&self) -> SplitServiceClient<Decided<impl GrpcService + use<>>> {
        SplitServiceClient::new(self.through(self.labeler.splits().service))
    }

    pub(super) fn uploads(&self) -> UploadServiceClient<Decided<impl GrpcService + use<>>> {
        UploadServiceClient::new(self.through(self.labeler.uploads().service))
    }

    fn through<S>(&self, service: S) -> Decided<S> {
        Decided { service, token: Arc::clone(&self.token), now: self.now }
    }
}

/// Decides each call as the guard does, without a transport and a revocation list.
#[derive(Clone)]
pub(super) struct Decided<S> {
    service: S,
    token: Arc<Verified>,
    now: UnixTime,
}

impl<S: GrpcService> Service<http::Request<Body>> for Decided<S> {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<http::Response<Body>, std::convert::Infallible>> + Send>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        match self.decide(request.uri().path()) {
            Ok(permit) => {
                request.extensions_mut().insert(permit);
                Box::pin(self.service.call(request))
            }
            Err(refusal) => Box::pin(async move { Ok(refusal.into_http()) }),
        }
    }
}

impl<S> Decided<S> {
    fn decide(&self, path: &str) -> Result<Permit, Status> {
        let (rule, decision) = (hallpass_contract::rule(path).unwrap(), DecisionId::new(1, 7));
        let facts = Facts {
            rule,
            bearer: Some(Credential::new(&self.token)),
            action: None,
            list: ListState::Fresh,
            client_certificate: None,
        };
        decide(&facts, self.now, decision).map_err(|denial| denial.into_status(decision))
    }
}

fn token(who: &Who) -> (&'static str, NewToken) {
    let kind = match who {
        Who::User(_) | Who::Bound(..) => TokenType::Service,
        Who::Worker(_) | Who::WorkerOf(..) | Who::OtherMinters => TokenType::Background,
    };
    let mut token = NewToken::new(kind, TokenId::from_random([1; 16]));
    token.audience = vec!["labeler".to_owned()];
    token.service = Some("platform".to_owned());
    token.scopes = scopes().into_iter().collect();
    let for_one =
        |kind: &str, id: &str| Some(ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
    match who {
        Who::User(user) => token.subject = Some(user.clone()),
        Who::Bound(user, kind, id) => {
            token.subject = Some(user.clone());
            token.resource = for_one(kind, id);
        }
        Who::Worker(object) => {
            token.job_id = Some("job-7".to_owned());
            token.resource = object.as_ref().and_then(|(kind, id)| for_one(kind, id));
        }
        Who::WorkerOf(owner, kind, id) => {
            token.job_id = Some("job-7".to_owned());
            token.job_owner = Some(owner.clone());
            token.resource = for_one(kind, id);
        }
        Who::OtherMinters => {
            token.audience = Vec::new();
            return ("others", token);
        }
    }
    ("mesh", token)
}

fn key(kid: &str, profile: Profile) -> hallpass_token::Key {
    let spec = KeySpec {
        kid: kid.to_owned(),
        issuer: "test".to_owned(),
        owner: "platform".to_owned(),
        types: vec![TokenType::Service, TokenType::Background],
        scopes: scopes().into_iter().collect(),
        audiences: vec!["labeler".to_owned()],
        state: KeyState::Active,
        profile,
        no_expiry: false,
        roots: None,
        max_life: None,
    };
    let algorithm = match profile {
        Profile::Standard => Algorithm::EdDsa,
        _ => Algorithm::Hs256,
    };
    generate(algorithm, spec).unwrap()
}

/// Every scope that an RPC of Labeler demands.
fn scopes() -> Vec<String> {
    let rules = hallpass_contract::RULES.iter().filter(|rule| rule.audience == "labeler");
    let mut scopes: Vec<_> = rules.filter_map(|rule| rule.scope).map(str::to_owned).collect();
    scopes.sort();
    scopes.dedup();
    scopes
}
