//! An issuer with a list of its own, a ring of several issuers, and holders of tokens.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use hallpass_contract::auth::{RevokeTokenRequest, TokenService};
use hallpass_contract::rule;
use hallpass_guard::{Actions, Clock, Keys};
use hallpass_policy::{DecisionId, Permit};
use hallpass_revocation::{List, Options};
use hallpass_token::{
    KeyRing, MintedToken, NewToken, ResourceClaim, TokenId, TokenType, UnixTime, Verified,
};
use serde_json::json;
use tempfile::TempDir;
use tonic::Status;

use crate::revocation_service::RevocationHandler;
use crate::token_service::TokenHandler;
use crate::{Delegations, Issuer};

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) list: Arc<List>,
    pub(super) tokens: TokenHandler,
    pub(super) revocations: RevocationHandler,
    pub(super) issuer: Issuer,
    pub(super) signers: KeyRing,
    next_id: AtomicU8,
    folder: TempDir,
}

/// How a token is made; the defaults are a user's for an hour.
#[derive(Clone)]
pub(super) struct Wish {
    pub(super) kid: &'static str,
    pub(super) subject: &'static str,
    pub(super) scopes: &'static [&'static str],
    pub(super) life: Option<Duration>,
    pub(super) starts_in: Option<Duration>,
    pub(super) roles: &'static [&'static str],
    pub(super) amr: &'static [&'static str],
    pub(super) proved_ago: Option<Duration>,
    pub(super) may_act: Option<&'static str>,
    /// The type and id of the one object that the token is for.
    pub(super) resource: Option<(&'static str, &'static str)>,
}

pub(super) const ALICE: Wish = Wish {
    kid: "users",
    subject: "alice",
    scopes: &[],
    life: Some(HOUR),
    starts_in: None,
    roles: &[],
    amr: &[],
    proved_ago: None,
    may_act: None,
    resource: None,
};
pub(super) const BOB: Wish = Wish { subject: "bob", ..ALICE };
pub(super) const ADMIN: Wish =
    Wish { subject: "root", scopes: &["revocations:admin", "tokens:introspect"], ..ALICE };

impl World {
    pub(super) fn new() -> Self {
        Self::with_clocks(&[])
    }

    /// With keys whose minters have this issuer's clock.
    pub(super) fn with_clocks(shared: &[&str]) -> Self {
        let (folder, clock) = (TempDir::new().unwrap(), Clock::manual(NOW));
        let list = Arc::new(open(&folder));
        let ring = |signers: &[Signer]| {
            let keys = ring(signers);
            let keys =
                keys.keys().map(|key| key.clone().sharing_clock(shared.contains(&key.kid())));
            KeyRing::new(keys.collect()).unwrap()
        };
        let signers = ring(&[USERS, OTHERS, WORKERS, SERVICES, ACTIONS, AGENTS, GONE, UNKNOWN]);
        let retired = ("gone", "users", "user", "retired");
        let keys = Keys::new(ring(&[USERS, OTHERS, WORKERS, SERVICES, ACTIONS, AGENTS, retired]));
        let uses = Actions::new(None, clock.clone());
        let issuer = Issuer::new(Arc::clone(&list), keys, clock.clone(), uses);
        let Issuer { tokens, revocations, .. } = issuer.clone();
        Self {
            clock,
            list,
            tokens,
            revocations,
            issuer,
            signers,
            next_id: AtomicU8::new(0),
            folder,
        }
    }

    /// The keys of everybody, for those who need no world.
    pub(super) fn signers_alone() -> KeyRing {
        ring(&[USERS, OTHERS, WORKERS, SERVICES, ACTIONS, AGENTS])
    }

    pub(super) fn mint(&self, wish: &Wish) -> MintedToken {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let token_type = self.signers.key(wish.kid).unwrap().types()[0];
        let mut new = NewToken::new(token_type, TokenId::from_random([id; 16]));
        match token_type {
            TokenType::Background => new.service = Some("platform-training".to_owned()),
            _ => new.subject = Some(wish.subject.to_owned()),
        }
        new.audience = vec!["platform".to_owned()];
        new.scopes = wish.scopes.iter().copied().collect();
        new.life = wish.life;
        new.roles = wish.roles.iter().map(|&role| role.to_owned()).collect();
        new.amr = wish.amr.iter().map(|&factor| factor.to_owned()).collect();
        new.auth_time = wish.proved_ago.map(|ago| self.clock.now().minus(ago));
        new.may_act = wish.may_act.map(|agent| json!({ "sub": agent }));
        new.resource = wish
            .resource
            .map(|(kind, id)| ResourceClaim { kind: kind.to_owned(), id: id.to_owned() });
        new.not_before = wish.starts_in.map(|wait| self.clock.now().plus(wait));
        self.signers.mint(wish.kid, &new, self.clock.precise()).unwrap()
    }

    /// The same by a minter whose clock is ahead.
    pub(super) fn mint_ahead(&self, wish: &Wish, by: Duration) -> MintedToken {
        self.clock.step(by);
        let minted = self.mint(wish);
        self.clock.step_back(by);
        minted
    }

    /// A token of the service that acts for the parent's holder.
    pub(super) fn child(&self, parent: &MintedToken) -> MintedToken {
        let id = TokenId::from_random([99; 16]);
        let parent = self.verified(parent);
        let mut new = NewToken::child_of(&parent, TokenType::Service, id, &[]).unwrap();
        new.service = Some("platform".to_owned());
        new.audience = vec!["platform".to_owned()];
        self.signers.mint("services", &new, self.clock.now()).unwrap()
    }

    /// What the ring's owner knows of a token that is valid now.
    pub(super) fn verified(&self, token: &MintedToken) -> Arc<Verified> {
        Arc::new(self.signers.verify(token.expose(), self.clock.now()).unwrap())
    }

    /// A folder of its own for a store.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A store for delegations.
    pub(super) fn delegations(&self) -> Delegations {
        Delegations::open(&self.folder("delegations"), &Options::new([8; 8], NOW)).unwrap()
    }

    /// The permit of a call made with a token that another handler made.
    pub(super) fn permit_of(token: Verified, method: &str) -> Permit {
        let rule = rule(&format!("/hallpass.auth.v1.{method}")).unwrap();
        Permit::for_tests(rule, Arc::new(token), DecisionId::new(7, 7))
    }

    /// The permit of a call made with a token, such as of `TokenService/RevokeToken`.
    pub(super) fn permit(&self, token: &MintedToken, method: &str) -> Permit {
        let rule = rule(&format!("/hallpass.auth.v1.{method}")).unwrap();
        Permit::for_tests(rule, self.verified(token), DecisionId::new(7, 7))
    }

    pub(super) async fn revoke(&self, caller: &MintedToken, token: &str) -> Result<(), Status> {
        let request =
            RevokeTokenRequest { token: token.to_owned(), reason: "left the team".to_owned() };
        let permit = self.permit(caller, "TokenService/RevokeToken");
        self.tokens.revoke_token(permit, request).await.map(|_| ()).map_err(Into::into)
    }

    pub(super) fn is_revoked(&self, token: &MintedToken) -> bool {
        self.list.index().contains(token.fingerprint())
    }

    /// The list as another process would find it.
    pub(super) fn reopened(self) -> List {
        let Self { list, tokens, revocations, issuer, folder, .. } = self;
        drop((tokens, revocations, issuer, list));
        open(&folder)
    }
}

/// A key's name, its issuer, the one kind of token that it signs, and its state.
type Signer = (&'static str, &'static str, &'static str, &'static str);

const USERS: Signer = ("users", "users", "user", "active");
const OTHERS: Signer = ("others", "others", "user", "active");
const WORKERS: Signer = ("workers", "platform", "background", "active");
const SERVICES: Signer = ("services", "platform", "service", "active");
const ACTIONS: Signer = ("actions", "platform", "action", "active");
const AGENTS: Signer = ("agents", "platform", "user", "active");
const GONE: Signer = ("gone", "users", "user", "active");
const UNKNOWN: Signer = ("unknown", "users", "user", "active");

/// Users' keys are not the services'.
fn owner(issuer: &str) -> &str {
    if issuer == "platform" { issuer } else { "users" }
}

/// Agents are never administrators.
fn scopes(kid: &str) -> Vec<&'static str> {
    let all = [
        "revocations:admin",
        "revocations:read",
        "tokens:introspect",
        "actions:admin",
        "diagnostics:admin",
        "actions:issue",
        "agents:delegate",
        "keys:admin",
    ];
    all.into_iter().filter(|scope| kid != "agents" || !scope.ends_with(":admin")).collect()
}

fn ring(signers: &[Signer]) -> KeyRing {
    let key = |&(kid, issuer, kind, state): &Signer| {
        json!({
            "kty": "oct", "kid": kid, "alg": "HS256", "k": secret(kid),
            "hallpass": {
                "issuer": issuer, "owner": owner(issuer), "types": [kind], "audiences": ["platform", "notes.burn", "notes.close", "datasets.delete", "keys.rotate", "agents.delegate"],
                "scopes": scopes(kid),
                "state": state, "no_expiry": kind == "user",
            },
        })
    };
    let keys: Vec<_> = signers.iter().map(key).collect();
    let none = |_: &_| Err("no secret is kept elsewhere".to_owned());
    KeyRing::parse(&json!({ "keys": keys }).to_string(), &none).unwrap()
}

/// A shared secret that looks like chance, the same for each key's name.
pub(super) fn secret(kid: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, kid.as_bytes());
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest)
}

fn open(folder: &TempDir) -> List {
    List::open(&folder.path().join("revocations"), &Options::new([9; 8], NOW)).unwrap()
}
