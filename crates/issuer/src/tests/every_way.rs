//! Every kind of token that some node accepts × every way of revoking, and whether a node that accepts it refuses it then.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{
    RevocationService as _, RevocationTarget, RevokeAllTokensRequest, RevokeRequest,
    RevokeTokenRequest, ServiceBefore, SubjectBefore, TokenName, TokenService as _,
};
use hallpass_contract::rule;
use hallpass_guard::{Actions, Keys};
use hallpass_policy::{DecisionId, Permit};
use hallpass_revocation::{Handle, NewSession, Options, SessionLimits, Sessions};
use hallpass_token::{
    Algorithm, Fingerprint, KeyRing, NewToken, OutsideIssuer, OutsideKeys, TokenId, TokenType,
    UnixTime, Verified,
};
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::world::{ADMIN, ALICE, BOB, HOUR, NOW, World, secret};
use crate::Issuer;

const ACME: &str = "https://acme.example";

/// One character for each way of revoking, in their order; `-` where the token has no such name, or cannot call Platform.
///
/// `R`: acknowledged, and refused from then on. `o`: succeeds, says that nothing was recorded, and the token goes on (RFC 7009).
/// `X`: refused with `NOT_THE_CALLERS`, and the token goes on. `g`: not meant by it, and the token goes on.
const TABLE: [(Kind, bool, &str); 16] = [
    //                          whether Platform's ring has the key
    //                          |      holder: with itself
    //                          |      | user of that name, presenting it
    //                          |      | | another user, presenting it
    //                          |      | | | administrator, presenting it
    //                          |      | | | | by issuer and jti
    //                          |      | | | | | by fingerprint
    //                          |      | | | | | | by session
    //                          |      | | | | | | | by key
    //                          |      | | | | | | | | by subject
    //                          |      | | | | | | | | | by service
    //                          |      | | | | | | | | | | user of that name, everything
    (Kind::User, true, /*       */ "R R X R R R - R R - R"),
    (Kind::User, false, /*      */ "- o o R R R - R R - g"),
    (Kind::Service, true, /*    */ "R R X R R R - R R R R"),
    (Kind::Background, true, /* */ "R X X R R R - R - R g"),
    (Kind::Action, true, /*     */ "- R X R R R - R R - R"),
    (Kind::Session, true, /*    */ "R R X R R R R R R - R"),
    (Kind::HybridService, true, "R X X R - R - R R R R"),
    (Kind::HybridService, false, "- o o R - R - R R R R"),
    (Kind::HybridBackground, true, "R X X R - R - R - R g"),
    (Kind::HybridBackground, false, "- o o R - R - R - R g"),
    (Kind::Bearer, true, /*     */ "R X X R - R - R R - R"),
    (Kind::Bearer, false, /*    */ "- o o R - R - R R - R"),
    (Kind::Storage, true, /*    */ "R X X R R R - R R - R"),
    (Kind::Storage, false, /*   */ "- o o R R R - R R - R"),
    (Kind::Outside, true, /*    */ "R X X R R R - R R - g"),
    (Kind::Outside, false, /*   */ "- o o R R R - R R - g"),
];

const WAYS: [Way; 11] = [
    Way::Holder,
    Way::SameName,
    Way::Another,
    Way::Administrator,
    Way::Id,
    Way::Fingerprint,
    Way::Session,
    Way::Key,
    Way::Subject,
    Way::Service,
    Way::All,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    Service,
    Background,
    Action,
    Session,
    HybridService,
    HybridBackground,
    Bearer,
    Storage,
    Outside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Holder,
    SameName,
    Another,
    Administrator,
    Id,
    Fingerprint,
    Session,
    Key,
    Subject,
    Service,
    All,
}

#[tokio::test]
async fn every_kind_of_token_by_every_way_of_revoking() {
    for (kind, known, row) in TABLE {
        let setting = Setting::new(kind, known);
        let mut found = ["?"; WAYS.len()];
        // What is revoked with its key stays so: that way comes last.
        for last in [false, true] {
            for (way, found) in WAYS.into_iter().zip(&mut found) {
                if last == (way == Way::Key) {
                    *found = outcome(&setting, way).await;
                }
            }
        }
        assert_eq!(found.join(" "), row, "{kind:?}, known here: {known}");
    }
}

/// Of a token that was issued after all that was revoked before.
async fn outcome(setting: &Setting, way: Way) -> &'static str {
    setting.world.clock.advance(Duration::from_mins(1));
    let case = setting.case().await;
    assert!(!case.is_refused(), "{:?}, before {way:?}", setting.kind);
    let answer = case.revoke(way).await;
    match (answer, case.is_refused()) {
        (None, false) => "-",
        (Some(Ok(true)), true) => "R",
        (Some(Ok(true)), false) if way == Way::All => "g",
        (Some(Ok(false)), false) => "o",
        (Some(Err(Code::PermissionDenied)), false) => "X",
        _ => "?",
    }
}

#[tokio::test]
async fn an_administrator_is_told_of_what_was_not_recorded() {
    let world = World::new();
    let over = world.mint(&ALICE);
    world.clock.advance(2 * HOUR);
    let admin = world.mint(&ADMIN);
    let unknown = Handle::new(&[9; 32]);
    let presented = [
        ("nonsense", "nonsense"),
        ("no JSON inside", "a.b.c"),
        ("over for long", over.expose()),
        ("no session's handle", unknown.expose()),
    ];
    for (what, token) in presented {
        let refused = world.revoke(&admin, token).await.unwrap_err();
        let reason = refused.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((refused.code(), reason.as_str()), (Code::NotFound, "NOT_RECORDED"), "{what}");
        assert!(refused.message().starts_with("nothing was revoked: "), "{what}");
        assert_eq!(world.list.sequence(), 0, "{what}");
    }
}

#[tokio::test]
async fn what_a_made_up_token_names_goes_on() {
    let world = World::new();
    let (alice, admin) = (world.mint(&ALICE), world.mint(&ADMIN));
    let id = world.verified(&alice).claims().id.clone().unwrap();
    let payload = json!({ "iss": "users", "sub": "alice", "jti": id, "exp": NOW.as_secs() + 60 });
    for kid in ["users", "gone", "nobody's"] {
        let made_up = signed(&json!({ "alg": "HS256", "kid": kid }), &payload, b"no signature");
        world.revoke(&admin, &made_up).await.unwrap();
        assert!(!world.list.index().is_revoked(&world.verified(&alice)), "{kid}");
        assert!(
            world.list.index().contains(world.signers.unverified(&made_up).unwrap().signed_part)
        );
    }
}

#[tokio::test]
async fn descendants_of_a_token_that_only_others_know_fall_with_it() {
    let setting = Setting::new(Kind::User, false);
    let case = setting.case().await;
    let child = case.child(&case.token);
    assert!(!setting.world.list.index().is_revoked(&child));
    assert_eq!(case.revoke(Way::Administrator).await, Some(Ok(true)));
    assert!(setting.world.list.index().is_revoked(&child));
}

/// A Platform that may know the key of a kind of token, and another node that does.
struct Setting {
    world: World,
    issuer: Issuer,
    everyone: KeyRing,
    outside: Outside,
    sessions: Sessions,
    kind: Kind,
    known: bool,
}

/// One token.
struct Case<'a> {
    of: &'a Setting,
    /// As it is presented.
    text: String,
    token: Arc<Verified>,
}

impl Setting {
    fn new(kind: Kind, known: bool) -> Self {
        let world = World::new();
        let outside = Outside::new();
        let everyone = outside.known_to(ring(&ALL));
        let at_platform = if known {
            everyone.clone()
        } else {
            ring(&ALL).without(&["strangers", "old", "frontend", "storage"])
        };
        let options = Options::new([7; 8], NOW);
        let (limits, closed) = (SessionLimits::default(), world.list.index());
        let folder = world.folder("sessions");
        let sessions = Sessions::open(&folder, &options, limits, closed).unwrap();
        let uses = Actions::new(None, world.clock.clone());
        let keys = Keys::new(at_platform);
        let issuer = Issuer::new(Arc::clone(&world.list), keys, world.clock.clone(), uses)
            .knowing(sessions.clone());
        Self { world, issuer, everyone, outside, sessions, kind, known }
    }

    /// A token that is issued now.
    async fn case(&self) -> Case<'_> {
        let now = self.world.clock.now();
        let mut text = match self.kind {
            Kind::Outside => self.outside.token(now),
            _ => mint(&self.everyone, self.kind, self.known, now),
        };
        let mut token = self.everyone.verify(&text, now).unwrap();
        if self.kind == Kind::Session {
            let number = u8::try_from(now.since(NOW).as_secs() / 60).unwrap();
            let handle = Handle::new(&[number; 32]);
            let new = NewSession {
                id: format!("ses_{number}"),
                holder: Fingerprint::subject("users", "alice"),
                user: Fingerprint::subject("users", "alice"),
                token: &text,
                token_ends: token.expires_at(),
                about: Vec::new(),
            };
            let session = self.sessions.begin(&handle, new, now).await.unwrap();
            token = session.verified(handle.expose(), &self.everyone, now).unwrap();
            text = handle.expose().to_owned();
        }
        Case { of: self, text, token: Arc::new(token) }
    }
}

impl Case<'_> {
    /// Whether a node that knows its key refuses it.
    fn is_refused(&self) -> bool {
        self.of.world.list.index().is_revoked(&self.token)
    }

    fn child(&self, parent: &Verified) -> Verified {
        let id = TokenId::from_random([99; 16]);
        let mut new = NewToken::child_of(parent, TokenType::Service, id, &[]).unwrap();
        new.service = Some("platform".to_owned());
        new.audience = vec!["platform".to_owned()];
        let minted = self.of.everyone.mint("services", &new, NOW).unwrap();
        self.of.everyone.verify(minted.expose(), NOW).unwrap()
    }

    /// Whether something was recorded; `None` where there is no such way.
    async fn revoke(&self, way: Way) -> Option<Result<bool, Code>> {
        let claims = self.token.claims();
        let user = |wish| self.of.world.verified(&self.of.world.mint(&wish));
        let target = match way {
            Way::Holder => {
                if !self.of.known || self.of.kind == Kind::Action {
                    return None;
                }
                return Some(self.present(Arc::clone(&self.token), "").await);
            }
            Way::SameName => return Some(self.present(user(ALICE), &self.text).await),
            Way::Another => return Some(self.present(user(BOB), &self.text).await),
            Way::Administrator => return Some(self.present(user(ADMIN), &self.text).await),
            Way::All => return Some(self.everything(user(ALICE)).await),
            Way::Id => Target::Token(TokenName {
                issuer: claims.issuer.clone()?,
                token_id: claims.id.clone()?,
            }),
            Way::Fingerprint => Target::TokenFingerprint(self.fingerprint()),
            Way::Session => Target::SessionId(claims.session.clone()?),
            Way::Key => Target::KeyId(self.token.kid().to_owned()),
            Way::Subject => Target::Subject(SubjectBefore {
                issuer: self.token.root_issuer()?.to_owned(),
                subject: claims.subject.clone()?,
                issued_before: None,
            }),
            Way::Service => Target::Service(ServiceBefore {
                service: claims.service.clone()?,
                issued_before: None,
            }),
        };
        Some(self.by_name(user(ADMIN), target).await)
    }

    /// What was signed, also where a session shows it.
    fn fingerprint(&self) -> String {
        self.token.lookups()[usize::from(self.token.claims().id.is_some())].to_string()
    }

    async fn present(&self, caller: Arc<Verified>, token: &str) -> Result<bool, Code> {
        let permit = permit(caller, "TokenService/RevokeToken");
        let request = RevokeTokenRequest { token: token.to_owned(), reason: String::new() };
        let answer = self.of.issuer.tokens.revoke_token(permit, request).await;
        answer.map(|answer| answer.recorded).map_err(|error| Status::from(error).code())
    }

    async fn everything(&self, caller: Arc<Verified>) -> Result<bool, Code> {
        let permit = permit(caller, "TokenService/RevokeAllTokens");
        let request = RevokeAllTokensRequest::default();
        let answer = self.of.issuer.tokens.revoke_all_tokens(permit, request).await;
        answer.map(|_| true).map_err(|error| Status::from(error).code())
    }

    async fn by_name(&self, caller: Arc<Verified>, target: Target) -> Result<bool, Code> {
        let permit = permit(caller, "RevocationService/Revoke");
        let target = Some(RevocationTarget { target: Some(target) });
        let request = RevokeRequest { target, ..RevokeRequest::default() };
        let answer = self.of.issuer.revocations.revoke(permit, request).await;
        answer.map(|_| true).map_err(|error| Status::from(error).code())
    }
}

fn permit(caller: Arc<Verified>, method: &str) -> Permit {
    let rule = rule(&format!("/hallpass.auth.v1.{method}")).unwrap();
    Permit::for_tests(rule, caller, DecisionId::new(7, 7))
}

/// A key's name, its issuer, its owner, what it signs, and its profile.
type Signer = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

const ALL: [Signer; 8] = [
    ("users", "users", "users", &["user"], "standard"),
    ("strangers", "strangers", "strangers", &["user"], "standard"),
    ("services", "platform", "platform", &["service"], "standard"),
    ("workers", "platform", "platform", &["background"], "standard"),
    ("actions", "platform", "platform", &["action"], "standard"),
    ("old", "old-platform", "platform", &["service", "background"], "hybrid-v1"),
    ("frontend", "frontend", "frontend", &["user"], "bearer-v1"),
    ("storage", "storage", "storage", &["user"], "storage-v1"),
];

struct Signers(Vec<Value>);

impl Signers {
    fn parsed(self) -> KeyRing {
        let none = |_: &_| Err("no secret is kept elsewhere".to_owned());
        KeyRing::parse(&json!({ "keys": self.0 }).to_string(), &none).unwrap()
    }

    fn without(self, kids: &[&str]) -> KeyRing {
        let kept = self.0.into_iter().filter(|key| !kids.iter().any(|kid| key["kid"] == *kid));
        Self(kept.collect()).parsed()
    }
}

fn ring(signers: &[Signer]) -> Signers {
    let key = |&(kid, issuer, owner, types, profile): &Signer| {
        json!({
            "kty": "oct", "kid": kid, "alg": "HS256", "k": secret(kid),
            "hallpass": {
                "issuer": issuer, "owner": owner, "types": types, "profile": profile,
                "audiences": ["platform", "notes.burn"], "scopes": ["datasets:read"],
                "state": "active",
            },
        })
    };
    Signers(signers.iter().map(key).collect())
}

fn mint(ring: &KeyRing, kind: Kind, known: bool, now: UnixTime) -> String {
    let id = |first: u8| {
        let mut bytes = [first; 16];
        bytes[8..].copy_from_slice(&now.as_secs().to_be_bytes());
        bytes
    };
    let alice = |kid: &str, kind: TokenType| {
        let mut new = NewToken::new(kind, TokenId::from_random(id(3)));
        new.subject = (kind != TokenType::Background).then(|| "alice".to_owned());
        let plain = ["old", "frontend"].contains(&kid);
        new.audience = if plain { Vec::new() } else { vec!["platform".to_owned()] };
        new.service = match kind {
            TokenType::Service => Some("platform".to_owned()),
            TokenType::Background => Some("platform-training".to_owned()),
            TokenType::User | TokenType::Action => None,
        };
        new
    };
    let minted = |kid: &str, kind| ring.mint(kid, &alice(kid, kind), now).unwrap();
    let child = |kid: &str, kind: TokenType, audience: &str| {
        let parent = ring.verify(minted("users", TokenType::User).expose(), now).unwrap();
        let id = TokenId::from_random(id(4));
        let mut new = NewToken::child_of(&parent, kind, id, &[]).unwrap();
        new.service = (kind == TokenType::Service).then(|| "platform".to_owned());
        new.audience = vec![audience.to_owned()];
        ring.mint(kid, &new, now).unwrap()
    };
    let token = match kind {
        Kind::User if !known => minted("strangers", TokenType::User),
        Kind::User | Kind::Session | Kind::Outside => minted("users", TokenType::User),
        Kind::Service => child("services", TokenType::Service, "platform"),
        Kind::Background => minted("workers", TokenType::Background),
        Kind::Action => child("actions", TokenType::Action, "notes.burn"),
        Kind::HybridService => minted("old", TokenType::Service),
        Kind::HybridBackground => minted("old", TokenType::Background),
        Kind::Bearer => minted("frontend", TokenType::User),
        Kind::Storage => minted("storage", TokenType::User),
    };
    token.expose().to_owned()
}

/// An `OpenID` Connect issuer with one key.
struct Outside(Ed25519KeyPair);

impl Outside {
    fn new() -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap())
    }

    fn known_to(&self, ring: Signers) -> KeyRing {
        let issuer = OutsideIssuer {
            issuer: ACME.to_owned(),
            audience: vec!["hallpass".to_owned()],
            audience_claim: "aud".into(),
            audiences_here: vec!["platform".to_owned()],
            algorithms: vec![Algorithm::EdDsa],
            subject_prefix: "acme:".to_owned(),
            plain_jwt: false,
            scopes_claims: vec!["scope".into()],
            scopes: std::iter::empty().collect(),
            roles_claims: vec![],
            roles: std::iter::empty().collect(),
            require: std::iter::empty().collect(),
        };
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x }] });
        let (keys, left_out) =
            OutsideKeys::read(&Arc::new(issuer), jwks.to_string().as_bytes()).unwrap();
        assert!(left_out.is_empty(), "{left_out:?}");
        ring.parsed().with_outside(keys)
    }

    fn token(&self, now: UnixTime) -> String {
        let header = json!({ "alg": "EdDSA", "kid": "k1", "typ": "at+jwt" });
        let now = now.as_secs();
        let payload = json!({
            "iss": ACME, "aud": "hallpass", "sub": "alice", "iat": now, "exp": now + 600, "jti": now.to_string(),
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(&payload));
        signed(&header, &payload, self.0.sign(text.as_bytes()).as_ref())
    }
}

fn signed(header: &Value, payload: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(payload), URL_SAFE_NO_PAD.encode(signature))
}
