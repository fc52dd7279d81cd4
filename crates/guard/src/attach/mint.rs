//! Decides what token a call that leaves may carry, and mints it.
//!
//! Invariant: a token is minted for exactly the called RPC's audience and scope, and only if that scope is among the serving rule's
//! delegates (where there is one) and in the minting key's entry. It never outlives its parent, and what its parent may do to stored
//! objects it may at most in the one bucket that the call is about.

use std::sync::Arc;

use aws_lc_rs::rand;
use hallpass_policy::{Access, DecisionId, Denial, Permit, Refusal, Rule};
use hallpass_token::{
    MintError, NewToken, Scopes, TokenError, TokenId, TokenType, UnixTime, Verified,
};
use serde_json::json;

use crate::attach::authority::Authority;
use crate::attach::background::Background;
use crate::attach::minted::{Minted, Purpose, Ready};
use crate::{Clock, Decisions, Keys, Rules};

/// Mints tokens for the calls that one service makes. Clones share what was minted lately.
#[derive(Debug, Clone)]
pub struct Attach(Arc<Minting>);

#[derive(Debug)]
struct Minting {
    service: String,
    keys: Keys,
    clock: Clock,
    rules: Rules,
    minted: Minted,
    decisions: Decisions,
}

/// Why a service cannot put tokens on its calls at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// It has no name.
    #[error("a service needs a name to call others in")]
    NoName,
    /// It has nothing to sign with.
    #[error(
        "the key ring has no active private key of service {0} for service or background tokens"
    )]
    NoSigner(String),
    /// The system gives no randomness.
    #[error("no randomness")]
    NoRandomness,
}

/// The kinds that a service mints for itself.
const MINTED: [TokenType; 2] = [TokenType::Service, TokenType::Background];

impl Attach {
    /// For the service of this name, which signs with its active keys in the ring; `rules` finds the rules of those it calls.
    pub fn new(service: &str, keys: Keys, clock: Clock, rules: Rules) -> Result<Self, AttachError> {
        if service.is_empty() {
            return Err(AttachError::NoName);
        }
        let ring = keys.ring();
        if !MINTED.into_iter().any(|kind| ring.active_signer(service, kind).is_some()) {
            return Err(AttachError::NoSigner(service.to_owned()));
        }
        let node = random().map(u64::from_ne_bytes).map_err(|_| AttachError::NoRandomness)?;
        let (service, minted) = (service.to_owned(), Minted::new());
        let decisions = Decisions::new(node);
        Ok(Self(Arc::new(Minting { service, keys, clock, rules, minted, decisions })))
    }

    /// The token for a call; `None` where the called RPC needs none. A refusal is in the log already.
    pub(super) fn token(
        &self,
        path: &str,
        authority: Option<&Authority>,
    ) -> Result<Option<Arc<Ready>>, Refusal> {
        self.0.choose(path, authority).map_err(|denial| {
            let decision = self.0.decision(authority);
            tracing::warn!(
                target: "hallpass::decision",
                %decision,
                callee = path,
                sub = authority.and_then(Authority::subject),
                reason = denial.reason(),
                cause = %denial,
                "call not sent",
            );
            Refusal::new(denial, decision)
        })
    }
}

impl Minting {
    fn decision(&self, authority: Option<&Authority>) -> DecisionId {
        match authority {
            Some(Authority::OnBehalf(permit)) => permit.decision(),
            Some(Authority::Service | Authority::Background(_)) | None => self.decisions.next(),
        }
    }

    fn choose(
        &self,
        path: &str,
        authority: Option<&Authority>,
    ) -> Result<Option<Arc<Ready>>, Denial> {
        let callee = (self.rules)(path).ok_or(refused("the called RPC has no rule"))?;
        if callee.access == Access::Public {
            return Ok(None);
        }
        match authority {
            Some(Authority::OnBehalf(permit)) => self.on_behalf(permit, callee),
            Some(Authority::Service) => self.minted(callee, TokenType::Background, None),
            Some(Authority::Background(work)) => self.for_work(work, callee),
            None => Err(refused("the call does not say in whose name it is made")),
        }
        .map(Some)
    }

    fn on_behalf(&self, permit: &Permit, callee: &'static Rule) -> Result<Arc<Ready>, Denial> {
        let parent = permit.token().ok_or(refused("the served call has no caller"))?;
        let scope = callee.scope.ok_or(refused("the called RPC has no scope to delegate"))?;
        // Minting asks this, too; but a token that another rule let be minted may be at hand.
        if !permit.rule().delegates.contains(&scope) {
            return Err(refused("the serving rule does not delegate the scope"));
        }
        let token_type = match parent.claims().token_type {
            TokenType::User | TokenType::Service => TokenType::Service,
            TokenType::Background => TokenType::Background,
            TokenType::Action => return Err(refused("an action token is no caller")),
        };
        self.minted(callee, token_type, Some((parent, permit)))
    }

    /// What is minted for a piece of work stays with it.
    fn for_work(&self, work: &Background, callee: &'static Rule) -> Result<Arc<Ready>, Denial> {
        if !work.may(callee.scope) {
            return Err(refused("the work was not given the scope"));
        }
        let purpose = self.purpose(callee, TokenType::Background, None)?;
        let now = self.clock.now();
        if let Some(ready) = work.at_hand(&purpose, now) {
            return Ok(ready);
        }
        let mut new = NewToken::new(purpose.token_type, TokenId::from_random(random()?));
        new.service = Some(work.service(&self.service));
        new.job_id = Some(work.job().id.clone());
        new.job_owner = Some(work.job().owner.clone());
        new.resource = Some(work.resource().clone());
        let ready = Arc::new(self.sign(&purpose, new, now)?);
        work.keep(purpose, &ready);
        Ok(ready)
    }

    fn purpose(
        &self,
        callee: &'static Rule,
        token_type: TokenType,
        parent: Option<(&Verified, &Permit)>,
    ) -> Result<Purpose, Denial> {
        if !callee.accepts(token_type) {
            return Err(refused("the called RPC does not accept the kind of token"));
        }
        if matches!(callee.access, Access::Tokens { action: Some(_), .. }) {
            return Err(refused("the called RPC demands a user's action token"));
        }
        Ok(Purpose {
            parent: parent.map(|(parent, _)| parent.signed_part()),
            token_type,
            audience: callee.audience,
            scope: callee.scope,
            bucket: parent.and_then(|(_, permit)| narrowed_to(permit)),
            ring: self.keys.generation(),
        })
    }

    fn minted(
        &self,
        callee: &'static Rule,
        token_type: TokenType,
        parent: Option<(&Verified, &Permit)>,
    ) -> Result<Arc<Ready>, Denial> {
        let purpose = self.purpose(callee, token_type, parent)?;
        let now = self.clock.now();
        if let Some(ready) = self.minted.get(&purpose, now) {
            return Ok(ready);
        }
        let ready = Arc::new(self.mint(&purpose, parent, now)?);
        self.minted.keep(purpose, &ready);
        Ok(ready)
    }

    fn mint(
        &self,
        purpose: &Purpose,
        parent: Option<(&Verified, &Permit)>,
        now: UnixTime,
    ) -> Result<Ready, Denial> {
        let id = TokenId::from_random(random()?);
        let mut new = match parent {
            None => NewToken::new(purpose.token_type, id),
            Some((parent, permit)) => {
                let delegates = permit.rule().delegates;
                let mut child = NewToken::child_of(parent, purpose.token_type, id, delegates)
                    .map_err(unminted)?;
                child.actor = Some(match &parent.claims().actor {
                    Some(earlier) => json!({ "sub": self.service, "act": earlier }),
                    None => json!({ "sub": self.service }),
                });
                if let Some(bucket) = &purpose.bucket {
                    child.grants = child.grants.map(|grants| grants.only(bucket));
                }
                child
            }
        };
        new.service = Some(self.service.clone());
        self.sign(purpose, new, now)
    }

    fn sign(&self, purpose: &Purpose, mut new: NewToken, now: UnixTime) -> Result<Ready, Denial> {
        // The ring refuses whatever the key's entry does not name.
        let ring = self.keys.ring();
        let key = ring.active_signer(&self.service, purpose.token_type);
        let key = key.ok_or(refused("the ring has no key of this service for such a token"))?;
        new.audience = vec![purpose.audience.to_owned()];
        new.scopes = purpose.scope.into_iter().collect::<Scopes>();
        let minted = ring.mint(key.kid(), &new, self.clock.precise()).map_err(unminted)?;
        tracing::info!(
            target: "hallpass::audit",
            kind = purpose.token_type.as_str(),
            service = new.service,
            audience = purpose.audience,
            scope = purpose.scope,
            sub = new.subject,
            job_id = new.job_id,
            job_owner = new.job_owner,
            jti = new.id.as_str(),
            life_seconds = minted.expires_at().map(|end| end.since(now).as_secs()),
            "minted",
        );
        Ready::new(&minted, now)
    }
}

/// The bucket that matters for a token: none where there is nothing to narrow.
fn narrowed_to(permit: &Permit) -> Option<Arc<str>> {
    permit.grants().and(permit.bucket()).map(Arc::clone)
}

const fn refused(why: &'static str) -> Denial {
    Denial::DelegationRefused(why)
}

fn random<const N: usize>() -> Result<[u8; N], Denial> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Denial::CannotDecide("no randomness"))?;
    Ok(bytes)
}

/// Why the ring does not mint, as the refusal that the handler sees.
fn unminted(error: MintError) -> Denial {
    match error {
        MintError::ParentExpired => Denial::TokenExpired,
        MintError::ScopeNotDelegated => refused("the caller does not hold the scope"),
        MintError::ChainTooLong => refused("the chain of tokens is too long"),
        MintError::NotAChild => refused("the kind of token has no parent"),
        MintError::NotAllowed(TokenError::AudienceNotAllowed) => {
            refused("the key may not sign for the called service")
        }
        MintError::NotAllowed(TokenError::ScopeNotAllowed) => {
            refused("the key may not sign the scope")
        }
        MintError::NotAllowed(_) => refused("the key's entry does not allow it"),
        MintError::NotTheParents(_) => refused("the token would not be the caller's"),
        MintError::Lifetime(_) => refused("the token's life would be outside its bounds"),
        MintError::UnknownKey
        | MintError::NoPrivateKey
        | MintError::KeyNotActive
        | MintError::ProfileCannotCarry(_)
        | MintError::NotASecretAlgorithm
        | MintError::SecretTooShort
        | MintError::Signing => Denial::Misconfigured("the service cannot sign"),
    }
}
