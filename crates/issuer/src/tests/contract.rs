//! Every RPC of the auth contract leaves a record, on success and on refusal: who called, with which token, under which decision. An RPC that
//! is added to the contract fails here until somebody has said what a call of it looks like.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    CloseAllSessionsRequest, CloseSessionRequest, CreateDelegationRequest, DelegationService as _,
    ExplainRefusalRequest, GetRevocationRequest, IntrospectTokenRequest, IssueActionTokenRequest,
    ListActionUsageRequest, ListOpenSessionsRequest, ListRevocationsRequest, OpenSessionRequest,
    RevocationTarget, RevokeAllTokensRequest, RevokeDelegationRequest, RevokeManyRequest,
    RevokeRequest, RevokeTokenRequest, RotateKeysRequest, ValidateTokenRequest, WatchRequest,
};
use hallpass_contract::{RULES, rule};
use hallpass_guard::{ACTION_HEADER, Actions, Guard, GuardLayer, GuardSetup, Keys};
use hallpass_policy::{Access, Rule};
use hallpass_revocation::{
    Claims, Freshness, Handle, NewSession, Options, SessionLimits, Sessions,
};
use hallpass_token::{Fingerprint, MintedToken, NewToken, TokenId, TokenType};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{AsciiMetadataValue, MetadataKey};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use super::audit::Log;
use super::world::{ALICE, NOW, Wish, World};
use crate::rotation::{RingStore, Step, Successor};
use crate::{Diagnostics, Issuer};

/// Whoever may everything.
const SHE: Wish = Wish {
    scopes: &[
        "revocations:admin",
        "revocations:read",
        "tokens:introspect",
        "actions:admin",
        "actions:issue",
        "diagnostics:admin",
        "agents:delegate",
        "keys:admin",
    ],
    amr: &["otp"],
    proved_ago: Some(Duration::from_secs(10)),
    ..ALICE
};

/// The messages of a call that succeeds, and of one that its handler refuses, with the reason.
struct Calls {
    succeeds: Vec<u8>,
    refused: Option<(Vec<u8>, &'static str)>,
}

/// A request for a page that no page before gave.
fn wrong_page(method: &str) -> Vec<u8> {
    let page_token = "x".to_owned();
    match method {
        "ListOpenSessions" => {
            ListOpenSessionsRequest { page_token, ..Default::default() }.encode_to_vec()
        }
        _ => ListActionUsageRequest { page_token, ..Default::default() }.encode_to_vec(),
    }
}

#[tokio::test]
async fn every_rpc_of_the_auth_contract_leaves_a_record_on_success_and_on_refusal() {
    let audited = RULES.iter().filter(|rule| rule.service.starts_with("hallpass.auth."));
    let mesh = Mesh::start().await;
    let mut seen = 0;
    for rule in audited {
        // What is revoked by one call refuses no token of the next.
        mesh.world.clock.advance(Duration::from_mins(1));
        let Some(calls) = mesh.calls(rule).await else {
            panic!("{}: an RPC that nobody has written a call for, see `calls`", rule.path)
        };
        let _logging = mesh.log.take();
        mesh.succeeds(rule, &calls).await;
        mesh.world.clock.advance(Duration::from_mins(1));
        mesh.is_refused_by_the_guard(rule).await;
        if let Some((body, reason)) = calls.refused {
            mesh.is_refused_by_the_handler(rule, body, reason).await;
        }
        seen += 1;
    }
    assert!(seen >= 24, "only {seen} RPCs");
}

#[tokio::test]
async fn what_is_done_about_somebodys_token_is_recorded_whatever_the_outcome() {
    let table: [(&str, Wish, Wish, &[&str]); 9] = [
        (
            "TokenService/RevokeToken",
            ALICE,
            ALICE,
            &["what=\"revoke\"", "outcome=\"revoked\"", "whose=\"alice\""],
        ),
        (
            "TokenService/RevokeToken",
            ALICE,
            BOB,
            &["what=\"revoke\"", "outcome=\"refused\"", "whose=\"bob\"", "not the caller's"],
        ),
        (
            "TokenService/RevokeToken",
            ALICE,
            STRANGE,
            &["what=\"revoke\"", "outcome=\"nothing recorded\"", "fingerprint="],
        ),
        (
            "TokenService/RevokeToken",
            SHE_IS_ROOT,
            BOB,
            &["what=\"revoke\"", "outcome=\"revoked\"", "whose=\"bob\"", "by=\"root\""],
        ),
        (
            "TokenService/IntrospectToken",
            SHE_IS_ROOT,
            BOB,
            &["what=\"introspect\"", "outcome=\"active\"", "whose=\"bob\"", "by=\"root\""],
        ),
        (
            "TokenService/IntrospectToken",
            ALICE,
            BOB,
            &["what=\"introspect\"", "not told", "whose=\"bob\"", "by=\"alice\""],
        ),
        (
            "TokenService/IntrospectToken",
            ALICE,
            STRANGE,
            &["what=\"introspect\"", "outcome=\"unknown\"", "fingerprint="],
        ),
        (
            "DiagnosticsService/ValidateToken",
            SHE_IS_ROOT,
            BOB,
            &["what=\"validate\"", "outcome=\"passed\"", "whose=\"bob\"", "by=\"root\""],
        ),
        (
            "DiagnosticsService/ValidateToken",
            ALICE,
            BOB,
            &["what=\"validate\"", "not told", "whose=\"bob\"", "by=\"alice\""],
        ),
    ];
    let mesh = Mesh::start().await;
    let _logging = mesh.log.take();
    for (method, caller, target, parts) in table {
        let (caller, target) = (mesh.world.mint(&caller), mesh.world.mint(&target));
        let token = target.expose().to_owned();
        let body = match method {
            "TokenService/RevokeToken" => {
                RevokeTokenRequest { token, reason: String::new() }.encode_to_vec()
            }
            "TokenService/IntrospectToken" => IntrospectTokenRequest { token }.encode_to_vec(),
            _ => ValidateTokenRequest { token }.encode_to_vec(),
        };
        mesh.log.lines();
        let rule = rule(&format!("/hallpass.auth.v1.{method}")).unwrap();
        let _ = mesh.call(rule, body, caller.expose(), None).await;
        let lines = mesh.log.lines();
        let line = lines.iter().find(|line| line.contains("presented token")).unwrap();
        for part in parts {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        for secret in [caller.expose(), target.expose()] {
            let signature = secret.rsplit('.').next().unwrap();
            assert!(!lines.iter().any(|line| line.contains(signature)), "{lines:?}");
        }
    }
}

const BOB: Wish = super::world::BOB;
const STRANGE: Wish = Wish { kid: "unknown", ..BOB };
const SHE_IS_ROOT: Wish = Wish { subject: "root", ..SHE };

/// A served issuer, and its log.
struct Mesh {
    world: World,
    issuer: Issuer,
    channel: Channel,
    sessions: Sessions,
    delegations: crate::Delegations,
    log: Log,
}

impl Mesh {
    async fn start() -> Self {
        let world = World::new();
        let clock = world.clock.clone();
        let keys = world.tokens.keys.clone();
        let options = |seed| Options::new([seed; 8], NOW);
        let claims = Claims::open(&world.folder("claims"), &options(4)).await.unwrap();
        let actions = Actions::new(Some(Arc::new(claims)), clock.clone());
        let folder = world.folder("sessions");
        let (limits, closed) = (SessionLimits::default(), world.list.index());
        let sessions = Sessions::open(&folder, &options(5), limits, closed).unwrap();
        let issuer =
            Issuer::new(Arc::clone(&world.list), keys.clone(), clock.clone(), Arc::clone(&actions))
                .knowing(sessions.clone());
        let guard = Guard::start(GuardSetup {
            rules: rule,
            keys: keys.clone(),
            index: world.list.index(),
            changes: world.list.changes(),
            freshness: Freshness::always(),
            clock: clock.clone(),
            actions,
            sessions: Some(sessions.clone()),
            node: 1,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let delegations = world.delegations();
        let channel = serve(&issuer, &guard, &keys, &sessions, &delegations, &world).await;
        let log = Log::default();
        Self { world, issuer, channel, sessions, delegations, log }
    }

    async fn succeeds(&self, rule: &'static Rule, calls: &Calls) {
        let bearer = self.caller(rule);
        let action = rule.action().map(|action| self.action(&bearer, action.audience));
        let action = action.as_ref().map(MintedToken::expose);
        self.log.all();
        let body = Self::with_own_token(rule, &calls.succeeds, &bearer);
        let answer = self.call(rule, body, bearer.expose(), action).await;
        assert!(answer.is_ok(), "{}: {answer:?}", rule.path);
        if rule.access == Access::Public {
            return;
        }
        let lines = self.log.all();
        let jti = self.jti(&bearer);
        let line = lines.iter().find(|line| {
            line.contains("hallpass::audit") && line.contains(": call ") && line.contains(rule.path)
        });
        let line = line.unwrap_or_else(|| panic!("{} leaves no record: {lines:?}", rule.path));
        assert!(
            line.contains(&jti) && line.contains("decision=") && line.contains("kid="),
            "{line}"
        );
        assert_silent(&lines, &[Some(bearer.expose()), action]);
    }

    /// Any RPC that takes a token refuses one of another kind.
    async fn is_refused_by_the_guard(&self, rule: &'static Rule) {
        if rule.access == Access::Public {
            return;
        }
        let caller = self.world.mint(&SHE);
        let wrong = self.action(&caller, "notes.burn");
        self.log.all();
        let refused = self.call(rule, Vec::new(), wrong.expose(), None).await.unwrap_err();
        assert_eq!(reason(&refused), "TYPE_NOT_ACCEPTED", "{}", rule.path);
        let parts = ["TYPE_NOT_ACCEPTED", "sub=\"alice\"", &self.jti(&wrong)];
        self.expect_refusal(rule, &refused, &parts, &wrong);
    }

    async fn is_refused_by_the_handler(&self, rule: &'static Rule, body: Vec<u8>, expected: &str) {
        let bearer = self.caller(rule);
        let action = rule.action().map(|action| self.action(&bearer, action.audience));
        self.log.all();
        let action = action.as_ref().map(MintedToken::expose);
        let refused = self.call(rule, body, bearer.expose(), action).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{}", rule.path);
        self.expect_refusal(rule, &refused, &[expected, &self.jti(&bearer)], &bearer);
    }

    /// One line, which names the decision that the client got.
    fn expect_refusal(&self, rule: &Rule, refused: &Status, parts: &[&str], token: &MintedToken) {
        let lines = self.log.all();
        let details = refused.get_error_details();
        let decision = &details.error_info().unwrap().metadata["decision_id"];
        let refusals: Vec<_> = lines.iter().filter(|line| line.contains(": refused")).collect();
        let [line] = refusals[..] else { panic!("{}: not one line in {lines:?}", rule.path) };
        for part in parts.iter().copied().chain([rule.path, decision.as_str(), "kid="]) {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert_silent(&lines, &[Some(token.expose())]);
    }

    /// The caller of an RPC: a worker where only workers may call.
    fn caller(&self, rule: &Rule) -> MintedToken {
        if rule.accepts(TokenType::User) || rule.access == Access::Public {
            return self.world.mint(&SHE);
        }
        self.world.mint(&Wish {
            kid: "workers",
            subject: "",
            scopes: &["revocations:read"],
            ..ALICE
        })
    }

    fn action(&self, bearer: &MintedToken, audience: &str) -> MintedToken {
        let parent = self.world.verified(bearer);
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let mut new =
            NewToken::child_of(&parent, TokenType::Action, TokenId::from_random(id), &[]).unwrap();
        new.audience = vec![audience.to_owned()];
        self.world.signers.mint("actions", &new, self.world.clock.now()).unwrap()
    }

    fn jti(&self, token: &MintedToken) -> String {
        format!("jti=\"{}\"", self.world.verified(token).claims().id.as_deref().unwrap())
    }

    /// A session is opened with the very token that authorizes the call.
    fn with_own_token(rule: &Rule, body: &[u8], bearer: &MintedToken) -> Vec<u8> {
        if rule.method == "OpenSession" {
            return OpenSessionRequest { token: bearer.expose().to_owned() }.encode_to_vec();
        }
        body.to_vec()
    }

    /// What is sent, and what is wrong enough for the handler to refuse it.
    async fn calls(&self, rule: &'static Rule) -> Option<Calls> {
        const INVALID: &str = "FIELD_INVALID";
        let reason = || "x".repeat(201);
        let key = || RevocationTarget { target: Some(Target::KeyId("nobody's".to_owned())) };
        let (succeeds, refused): (Vec<u8>, Option<(Vec<u8>, &str)>) = match rule.method {
            "GetJwks" | "ListAudiences" | "ListSessions" | "ListDelegations" | "GetCaller"
            | "ListAllowedRpcs" | "IntrospectToken" | "ValidateToken" | "ListActionTokens" => {
                (Vec::new(), None)
            }
            "RevokeToken" => {
                let bobs = self.world.mint(&BOB).expose().to_owned();
                let wrong = RevokeTokenRequest { token: bobs, reason: reason() };
                (Vec::new(), Some((wrong.encode_to_vec(), INVALID)))
            }
            "RevokeAllTokens" => {
                let wrong = RevokeAllTokensRequest { reason: reason() };
                (Vec::new(), Some((wrong.encode_to_vec(), INVALID)))
            }
            "CloseAllSessions" => {
                self.open_session("ses_2", 2).await;
                let wrong = CloseAllSessionsRequest { reason: reason() };
                (
                    CloseAllSessionsRequest::default().encode_to_vec(),
                    Some((wrong.encode_to_vec(), "")),
                )
            }
            "Revoke" => {
                let request = RevokeRequest { target: Some(key()), ..RevokeRequest::default() };
                (request.encode_to_vec(), Some((Vec::new(), INVALID)))
            }
            "RevokeMany" => {
                let request = RevokeManyRequest {
                    number: 1,
                    target: Some(key()),
                    ..RevokeManyRequest::default()
                };
                (request.encode_to_vec(), Some((Vec::new(), INVALID)))
            }
            "GetRevocation" => {
                let root = self.world.mint(&BOB);
                self.world.revoke(&root, "").await.unwrap();
                let token = self.world.verified(&root).fingerprint().to_string();
                let target = RevocationTarget { target: Some(Target::TokenFingerprint(token)) };
                let request = GetRevocationRequest { target: Some(target) };
                let absent = Target::SessionId("nobody's".to_owned());
                let absent = RevocationTarget { target: Some(absent) };
                let absent = GetRevocationRequest { target: Some(absent) };
                (request.encode_to_vec(), Some((absent.encode_to_vec(), "NOT_REVOKED")))
            }
            "ListRevocations" => {
                let wrong = ListRevocationsRequest { page_token: "x".to_owned(), page_size: 0 };
                (Vec::new(), Some((wrong.encode_to_vec(), INVALID)))
            }
            "Watch" => (WatchRequest { probe: 1, epoch: 0, sequence: 0 }.encode_to_vec(), None),
            "IssueActionToken" => {
                let audience = "datasets.delete".to_owned();
                let request =
                    IssueActionTokenRequest { audience, ..IssueActionTokenRequest::default() };
                (request.encode_to_vec(), Some((Vec::new(), INVALID)))
            }
            "ListActionUsage" | "ListOpenSessions" => {
                (Vec::new(), Some((wrong_page(rule.method), INVALID)))
            }
            "OpenSession" => (Vec::new(), Some((Vec::new(), INVALID))),
            "CloseSession" => {
                self.open_session("ses_1", 1).await;
                let session_id = "ses_1".to_owned();
                let request = CloseSessionRequest { session_id, reason: String::new() };
                (request.encode_to_vec(), Some((Vec::new(), INVALID)))
            }
            "CreateDelegation" => (delegation().encode_to_vec(), Some((Vec::new(), INVALID))),
            "RevokeDelegation" => {
                let delegation_id = self.delegate().await;
                let request = RevokeDelegationRequest { delegation_id, reason: String::new() };
                (request.encode_to_vec(), Some((Vec::new(), INVALID)))
            }
            "ExplainRefusal" => {
                let caller = self.caller(rule);
                let wrong = self.action(&caller, "notes.burn");
                let refused = self.call(rule, Vec::new(), wrong.expose(), None).await.unwrap_err();
                let details = refused.get_error_details();
                let decision_id = details.error_info().unwrap().metadata["decision_id"].clone();
                let request = ExplainRefusalRequest { decision_id };
                let absent = ExplainRefusalRequest { decision_id: "0".repeat(32) };
                (request.encode_to_vec(), Some((absent.encode_to_vec(), "REFUSAL_UNKNOWN")))
            }
            "RotateKeys" => {
                let request =
                    RotateKeysRequest { prepare_only: true, ..RotateKeysRequest::default() };
                let wrong =
                    RotateKeysRequest { settle_seconds: 1_000, ..RotateKeysRequest::default() };
                (request.encode_to_vec(), Some((wrong.encode_to_vec(), INVALID)))
            }
            _ => return None,
        };
        // Whoever has no session has none to close: the reason is not looked at.
        let refused = refused.filter(|(_, reason)| !reason.is_empty());
        Some(Calls { succeeds, refused })
    }

    async fn open_session(&self, id: &str, seed: u8) {
        let token = self.world.mint(&SHE);
        let new = NewSession {
            id: id.to_owned(),
            holder: Fingerprint::subject("users", "alice"),
            user: Fingerprint::subject("users", "alice"),
            token: token.expose(),
            token_ends: token.expires_at(),
            about: Vec::new(),
        };
        let now = self.world.clock.now();
        self.sessions.begin(&Handle::new(&[seed; 32]), new, now).await.unwrap();
    }

    async fn delegate(&self) -> String {
        let permit =
            self.world.permit(&self.world.mint(&SHE), "DelegationService/CreateDelegation");
        let handler = self.issuer.delegation_handler(self.delegations.clone());
        let made = handler.create_delegation(permit, delegation()).await.unwrap();
        made.delegation.unwrap().delegation_id
    }

    /// Any RPC, as one that streams: on the wire it is the same.
    async fn call(
        &self,
        rule: &'static Rule,
        body: Vec<u8>,
        bearer: &str,
        action: Option<&str>,
    ) -> Result<Vec<u8>, Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let mut request = Request::new(tokio_stream::iter([body]));
        let value: AsciiMetadataValue = format!("Bearer {bearer}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
        if let Some(action) = action {
            let name = MetadataKey::from_static(ACTION_HEADER.as_str().to_owned().leak());
            request.metadata_mut().insert(name, action.parse().unwrap());
        }
        let path = rule.path.parse().unwrap();
        let mut answers = grpc.streaming(request, path, Raw).await?.into_inner();
        Ok(answers.message().await?.unwrap_or_default())
    }
}

async fn serve(
    issuer: &Issuer,
    guard: &Arc<Guard>,
    keys: &Keys,
    sessions: &Sessions,
    delegations: &crate::Delegations,
    world: &World,
) -> Channel {
    let nowhere = |_, _| Box::pin(async { Err(Status::not_found("")) }) as _;
    let own = Diagnostics::new("platform", keys.clone(), world.clock.clone(), guard.refusals());
    let server = Server::builder()
        .layer(GuardLayer::new(Arc::clone(guard)))
        .add_service(issuer.tokens().service)
        .add_service(issuer.revocations().service)
        .add_service(issuer.actions().service)
        .add_service(issuer.keys(Arc::new(NothingToDo)).service)
        .add_service(issuer.sessions(sessions.clone()).service)
        .add_service(issuer.delegations(delegations.clone()).service)
        .add_service(issuer.diagnostics(own, Arc::new(nowhere)).service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

fn delegation() -> CreateDelegationRequest {
    CreateDelegationRequest {
        agent: "robot".to_owned(),
        scopes: vec!["tokens:introspect".to_owned()],
        ..CreateDelegationRequest::default()
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map_or_else(|| status.to_string(), |info| info.reason.clone())
}

/// No token is in any line.
fn assert_silent(lines: &[String], tokens: &[Option<&str>]) {
    for token in tokens.iter().flatten() {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!lines.iter().any(|line| line.contains(signature)), "a token is in {lines:?}");
    }
}

/// Rings that hold no key to rotate.
#[derive(Debug)]
struct NothingToDo;

impl RingStore for NothingToDo {
    fn prepare(&self, _: Vec<String>) -> Step<Vec<Successor>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn activate(&self, _: Vec<Successor>) -> Step<()> {
        Box::pin(async { Ok(()) })
    }
}

/// Messages as they are on the wire.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; prost::bytes::Buf::remaining(buffer)];
        prost::bytes::Buf::copy_to_slice(buffer, &mut item);
        Ok(Some(item))
    }
}
