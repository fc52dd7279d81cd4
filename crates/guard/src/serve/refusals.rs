//! Remembers the latest refusals of this process, so that whoever was refused can ask why.
//!
//! Invariant: bounded, in number and in bytes, whoever comes; no token, no handle and no request is in it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_policy::{DecisionId, Denial, Permit, Refusal, Rule, Witness};
use hallpass_token::{Fingerprint, TokenType, UnixTime, Verified};

use crate::Clock;

/// How many are remembered.
const REMEMBERED: usize = 4096;

/// The most bytes of a path that no rule knows, and of a token's id.
const LONGEST: usize = 128;

/// A refusal as it is remembered: with what its kinds of word may hold, under 1 KiB.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The decision.
    pub decision: DecisionId,
    /// When.
    pub at: UnixTime,
    /// The rule of the called RPC; `None` where no RPC has the path.
    pub rule: Option<&'static Rule>,
    /// The path that was called, shortened.
    pub path: Box<str>,
    /// Why.
    pub denial: Denial,
    /// Whose call it was; `None` where no token of theirs had verified.
    pub caller: Option<RefusedCaller>,
}

/// Whose a refused call was.
#[derive(Debug, Clone)]
pub struct RefusedCaller {
    /// The kind of their token.
    pub token_type: TokenType,
    /// Its id, shortened.
    pub token_id: Option<Box<str>>,
    token: Fingerprint,
    user: Option<Fingerprint>,
    actor: Option<Fingerprint>,
}

/// The latest refusals of one process.
pub struct Refusals {
    slots: Box<[Mutex<Option<Arc<Refused>>>]>,
    next: AtomicUsize,
    clock: Clock,
}

impl Refused {
    /// Whether the call was this token's holder's: made with the very token, or in the name of the same user by the same issuer. Who
    /// acts for a user owns only what was called acting alike.
    pub fn is_of(&self, asker: &Verified) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.is(asker))
    }
}

impl RefusedCaller {
    fn of(token: &Verified) -> Self {
        Self {
            token_type: token.claims().token_type,
            token_id: token.claims().id.as_deref().map(shortened),
            token: token.fingerprint(),
            user: user(token),
            actor: actor(token),
        }
    }

    fn is(&self, asker: &Verified) -> bool {
        let same_user = self.user.is_some() && self.user == user(asker);
        let acts_alike = actor(asker).is_none() || actor(asker) == self.actor;
        self.token == asker.fingerprint() || same_user && acts_alike
    }
}

impl Refusals {
    /// None yet.
    pub fn new(clock: Clock) -> Arc<Self> {
        let slots = (0..REMEMBERED).map(|_| Mutex::new(None)).collect();
        Arc::new(Self { slots, next: AtomicUsize::new(0), clock })
    }

    /// The refusal of a decision, if it is remembered.
    pub fn find(&self, decision: DecisionId) -> Option<Arc<Refused>> {
        let read = |slot: &Mutex<Option<Arc<Refused>>>| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.slots.iter().filter_map(read).find(|refused| refused.decision == decision)
    }

    /// Remembers one, in the place of the oldest.
    pub(super) fn note(
        &self,
        (rule, path): (Option<&'static Rule>, &str),
        refusal: &Refusal,
        caller: Option<&Verified>,
    ) {
        let refused = Refused {
            decision: refusal.decision,
            at: self.clock.now(),
            rule,
            path: shortened(rule.map_or(path, |rule| rule.path)),
            denial: refusal.denial.clone(),
            caller: caller.map(RefusedCaller::of),
        };
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        let former = {
            let mut slot = self.slots[place].lock().unwrap_or_else(PoisonError::into_inner);
            slot.replace(Arc::new(refused))
        };
        drop(former);
    }
}

impl Witness for Refusals {
    fn refused(&self, permit: &Permit, refusal: &Refusal) {
        let rule = permit.rule();
        self.note((Some(rule), rule.path), refusal, permit.token().map(AsRef::as_ref));
    }

    /// Nothing here would change it: the guard's own word counts.
    fn upholds(&self, _: &Permit) -> Result<(), Denial> {
        Ok(())
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The user, by the issuer of the token that the chain began with; `None` for whom no issuer vouches.
fn user(token: &Verified) -> Option<Fingerprint> {
    let subject = token.claims().subject.as_deref()?;
    Some(Fingerprint::subject(token.root_issuer()?, subject))
}

/// Who acts for the user, outermost first, without the services that only pass the user's calls on.
fn actor(token: &Verified) -> Option<Fingerprint> {
    let claims = token.claims();
    let mut actor = claims.actor.as_ref();
    if claims.token_type == TokenType::Service {
        actor = actor.and_then(|service| service.get("act"));
    }
    actor.map(|actor| Fingerprint::subject("act", &actor.to_string()))
}

fn shortened(text: &str) -> Box<str> {
    let end = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)].into()
}
