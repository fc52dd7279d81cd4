//! The decision: a rule, what is known of the credentials and an instant in, a permit or a denial out.
//!
//! Invariant: no I/O, no clock, no default that lets a call through. Only `decide` makes a `Permit`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use hallpass_token::{TokenType, UnixTime, Verified};

use crate::rule::{Access, Rule};
use crate::validity::holds;
use crate::{Action, Denial, Permit};

/// What is known about a call when it is decided.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The rule of the RPC that is called.
    pub rule: &'static Rule,
    /// The caller's own token, its signature and claims verified.
    pub bearer: Option<Credential<'a>>,
    /// The action token beside it.
    pub action: Option<Credential<'a>>,
    /// Whether this node's revocation list is recent enough to be trusted.
    pub list: ListState,
    /// The SHA-256 of the certificate that the client showed, where mutual TLS is on.
    pub client_certificate: Option<[u8; 32]>,
}

/// A verified token and what has become of it since.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    /// The token.
    pub token: &'a Arc<Verified>,
    /// Whether the list refuses it or anything it descends from.
    pub revoked: bool,
    /// Whether the key ring still holds the entry that verified it.
    pub key: KeyEntry,
    /// Why the session that shows the token has ended, if one does and it has.
    pub session_ended: Option<&'static str>,
}

impl<'a> Credential<'a> {
    /// A token that has just been verified: not revoked, its key's entry and its session as they were.
    pub const fn new(token: &'a Arc<Verified>) -> Self {
        Self { token, revoked: false, key: KeyEntry::Unchanged, session_ended: None }
    }
}

/// What has become of the key entry that verified a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEntry {
    /// The ring holds the same entry under the token's `kid`.
    Unchanged,
    /// The ring holds no entry under the token's `kid`, or one that differs in anything: key, state, or what it may sign.
    Gone,
}

/// Whether a node's revocation list is recent enough to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListState {
    /// It is.
    Fresh,
    /// It is older than the bound.
    Stale,
}

/// Names one decision in the answer, the log and the trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId(u128);

impl DecisionId {
    /// An id from a node's random start and a count.
    pub const fn new(node: u64, count: u64) -> Self {
        Self((node as u128) << 64 | count as u128)
    }
}

impl DecisionId {
    /// The id as a number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// The text is not the id of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a decision; right: 32 hexadecimal digits")]
pub struct NoDecisionId;

impl FromStr for DecisionId {
    type Err = NoDecisionId;

    fn from_str(text: &str) -> Result<Self, NoDecisionId> {
        const DIGITS: usize = 32;
        let right = text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = right.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(NoDecisionId)
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Decides a call.
///
/// The order is part of the contract: what authenticates comes before what permits, and a revoked or expired token learns
/// nothing about what it would have been allowed.
pub fn decide(facts: &Facts<'_>, now: UnixTime, decision: DecisionId) -> Result<Permit, Denial> {
    let rule = facts.rule;
    let Access::Tokens { action, .. } = rule.access else {
        return Ok(Permit::public(rule, decision));
    };
    let bearer = facts.bearer.ok_or(Denial::TokenMissing)?;
    holds(bearer, facts, now)?;
    permitted(bearer.token, rule)?;
    match (action, facts.action) {
        (None, None) => {}
        (None, Some(_)) => return Err(Denial::ActionUnexpected),
        (Some(action), None) => return Err(Denial::ActionMissing(action.audience)),
        (Some(action), Some(token)) => {
            holds(token, facts, now)?;
            elevated(token.token, bearer.token, action, rule)?;
        }
    }
    let elevated = facts.action.map(|action| Arc::clone(action.token));
    Ok(Permit::granted(rule, Arc::clone(bearer.token), elevated, decision))
}

/// Whether it is the action token for which [`decide`] refuses a call, and not the caller's own: nothing is wrong with that one.
pub fn concerns_action(facts: &Facts<'_>, now: UnixTime) -> bool {
    let Some(bearer) = facts.bearer.filter(|_| facts.action.is_some()) else { return false };
    holds(bearer, facts, now).is_ok() && permitted(bearer.token, facts.rule).is_ok()
}

/// The token's kind, audience and scope are what the rule demands.
fn permitted(token: &Verified, rule: &'static Rule) -> Result<(), Denial> {
    let claims = token.claims();
    if !rule.accepts(claims.token_type) {
        return Err(Denial::TypeNotAccepted(claims.token_type));
    }
    if !claims.audience.iter().any(|audience| audience == rule.audience) {
        return Err(Denial::AudienceMismatch(rule.audience));
    }
    match rule.scope {
        Some(scope) if !claims.scopes.contains(scope) => Err(Denial::ScopeMissing(scope)),
        _ => Ok(()),
    }
}

/// The action token is one, in the hands of the caller, for this operation, for an object of a type that the request names, and was
/// issued to someone from whom the operation's demands were met.
fn elevated(
    token: &Verified,
    caller: &Verified,
    action: &'static Action,
    rule: &'static Rule,
) -> Result<(), Denial> {
    let claims = token.claims();
    if claims.token_type != TokenType::Action || !token.is_of_same_holder(caller) {
        return Err(Denial::ActionMismatch);
    }
    if claims.audience.len() != 1 || claims.audience[0] != action.audience {
        return Err(Denial::AudienceMismatch(action.audience));
    }
    if let Some(object) = &claims.resource
        && !rule.resources.iter().any(|bound| bound.field.is_some() && bound.kind == object.kind)
    {
        return Err(Denial::ActionMismatch);
    }
    action.suits(claims, claims.issued_at)
}
