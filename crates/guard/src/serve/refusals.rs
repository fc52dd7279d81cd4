//! Remembers the latest refusals of this process, so that whoever was refused can ask why.
//!
//! Invariant: bounded, in number and in bytes, whoever comes, with a share for each caller; no token, no handle and no request is in it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_policy::{DecisionId, Denial, Failure, Object, Permit, Refusal, Rule, Witness};
use hallpass_token::{Fingerprint, TokenType, UnixTime, Verified};

use crate::Clock;
use crate::serve::remembered::Remembered;

/// How many are remembered.
const REMEMBERED: usize = 4096;
/// How many of one caller.
const OF_ONE: usize = 64;
/// How many of calls without a token that verified. Only administrators ask about them.
const OF_STRANGERS: usize = 512;

/// The most bytes of a path that no rule knows, of an object's id, of a handler's words, and of each name in a token.
const LONGEST: usize = 128;

/// A refusal as it is remembered: with what its kinds of word may hold, under 2 KiB.
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
    pub why: Why,
    /// The object that the call was for, as far as it was looked at.
    pub object: Option<Object>,
    /// Whose call it was; `None` where no token of theirs had verified.
    pub caller: Option<RefusedCaller>,
}

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It was refused.
    Denied(Denial),
    /// Its handler did not do it.
    Failed(Failure),
}

impl Why {
    /// The stable reason.
    pub fn reason(&self) -> &str {
        match self {
            Self::Denied(denial) => denial.reason(),
            Self::Failed(failure) => &failure.reason,
        }
    }
}

/// Whose a refused call was.
#[derive(Debug, Clone)]
pub struct RefusedCaller {
    /// The kind of their token.
    pub token_type: TokenType,
    /// Its id, shortened.
    pub token_id: Option<Box<str>>,
    /// The user in whose name it was made, shortened.
    pub subject: Option<Box<str>>,
    /// The session that showed it, shortened.
    pub session: Option<Box<str>>,
    /// The key that signed it, shortened.
    pub key_id: Box<str>,
    token: Fingerprint,
    user: Option<Fingerprint>,
    actor: Option<Fingerprint>,
}

/// The latest refusals of one process.
pub struct Refusals {
    latest: Mutex<Latest>,
    clock: Clock,
}

/// By decision; each caller has a share, and all calls of strangers one.
type Latest = Remembered<DecisionId, Option<Fingerprint>, Arc<Refused>>;

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
            subject: token.claims().subject.as_deref().map(shortened),
            session: token.claims().session.as_deref().map(shortened),
            key_id: shortened(token.kid()),
            token: token.fingerprint(),
            user: user(token),
            actor: actor(token),
        }
    }

    /// Under which name its refusals are counted: who acts for a user does not use up the user's share.
    fn name(&self) -> Fingerprint {
        match (self.user, self.actor) {
            (Some(user), None) => user,
            (Some(user), Some(actor)) => {
                Fingerprint::subject(&user.to_string(), &actor.to_string())
            }
            (None, _) => self.token,
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
        Arc::new(Self { latest: Mutex::new(Remembered::new(REMEMBERED)), clock })
    }

    /// The refusal of a decision, if it is remembered.
    pub fn find(&self, decision: DecisionId) -> Option<Arc<Refused>> {
        self.latest().get(&decision).map(Arc::clone)
    }

    /// Remembers the refusal of a call. Says whether it is news: the same may be said of one call by several.
    pub(super) fn note(
        &self,
        (rule, path): (Option<&'static Rule>, &str),
        refusal: &Refusal,
        caller: Option<&Verified>,
    ) -> bool {
        let why = Why::Denied(refusal.denial.clone());
        self.keep((rule, path), refusal.decision, (why, refusal.object.as_ref()), caller)
    }

    fn keep(
        &self,
        (rule, path): (Option<&'static Rule>, &str),
        decision: DecisionId,
        (why, object): (Why, Option<&Object>),
        caller: Option<&Verified>,
    ) -> bool {
        let object = object.map(|object| Object::new(object.kind, &shortened(object.shown())));
        let path = shortened(rule.map_or(path, |rule| rule.path));
        let caller = caller.map(RefusedCaller::of);
        let (whose, share) = match &caller {
            Some(caller) => (Some(caller.name()), OF_ONE),
            None => (None, OF_STRANGERS),
        };
        let at = self.clock.now();
        let refused = Arc::new(Refused { decision, at, rule, path, why, object, caller });
        let kept = Arc::clone(&refused);
        let former = self.latest().keep(decision, whose, share, kept);
        former.is_none_or(|former| former.why.reason() != refused.why.reason())
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the refusal of a call that had been let through.
    pub(super) fn note_later(&self, permit: &Permit, refusal: &Refusal) -> bool {
        let rule = permit.rule();
        self.note((Some(rule), rule.path), refusal, permit.token().map(AsRef::as_ref))
    }
}

impl Witness for Refusals {
    fn refused(&self, permit: &Permit, refusal: &Refusal) {
        self.note_later(permit, refusal);
    }

    fn failed(&self, permit: &Permit, failure: &Failure) {
        let rule = permit.rule();
        let why = Why::Failed(Failure {
            reason: shortened(&failure.reason).into(),
            message: shortened(&failure.message).into(),
            elsewhere: failure.elsewhere.as_deref().map(|id| shortened(id).into()),
            object: None,
            ..failure.clone()
        });
        let caller = permit.token().map(AsRef::as_ref);
        let whole = (why, failure.object.as_ref());
        self.keep((Some(rule), rule.path), failure.decision, whole, caller);
    }

    fn answered(&self, _: &Permit) {}

    /// Nothing here would change it: the guard's own word counts.
    fn upholds(&self, _: &Permit) -> Result<(), Denial> {
        Ok(())
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}

/// The user, by the issuer of the token that the chain began with; `None` for whom no issuer vouches.
fn user(token: &Verified) -> Option<Fingerprint> {
    let subject = token.claims().subject.as_deref()?;
    Some(Fingerprint::subject(token.root_issuer()?, subject))
}

/// Who acts for the user, outermost first.
fn actor(token: &Verified) -> Option<Fingerprint> {
    token.agent().map(|agent| Fingerprint::subject("act", &agent.to_string()))
}

fn shortened(text: &str) -> Box<str> {
    let end = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    text[..end.unwrap_or(0)].into()
}
