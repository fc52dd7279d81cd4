//! The record of who asked for a token, or did something about another's, and what became of it; no token is in it.
//!
//! Invariant: what was issued or revoked has its line, always. Of attempts that changed nothing, each caller has a limited number of lines a
//! minute, and the rest is counted.

use hallpass_policy::Permit;
use hallpass_token::{Fingerprint, Verified};

use crate::error::Error;

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    /// The kind of thing: "action", "agent", "session".
    pub(crate) kind: &'static str,
    /// What it would be good for, in the caller's words.
    pub(crate) audience: &'a str,
    /// Who would act for the user, in the caller's words.
    pub(crate) agent: Option<&'a str>,
}

/// A token that was issued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// How long it lives, in seconds.
    pub(crate) life_seconds: Option<u64>,
}

impl Attempt<'_> {
    /// It was issued.
    pub(crate) fn succeeded(self, permit: &Permit, given: Given<'_>) {
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            kind = self.kind,
            audience = shortened(self.audience),
            agent = self.agent.map(shortened),
            sub = permit.subject(),
            jti = given.id,
            life_seconds = given.life_seconds,
            "issued",
        );
    }

    /// It was not.
    pub(crate) fn failed(self, permit: &Permit, error: &Error) {
        if !permit.lists("not issued", None) {
            return;
        }
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            kind = self.kind,
            audience = shortened(self.audience),
            agent = self.agent.map(shortened),
            sub = permit.subject(),
            caller = permit.token().and_then(|token| token.claims().id.as_deref()),
            cause = %error,
            "not issued",
        );
    }
}

/// Something that is done about a token which somebody presents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// What is done: "revoke", "introspect", "validate".
    pub(crate) what: &'static str,
    /// The token, where it verified.
    pub(crate) token: Option<&'a Verified>,
    /// What was presented, where it has the form of a token and did not verify.
    pub(crate) unverified: Option<Fingerprint>,
}

impl About<'_> {
    /// What became of it: the outcome in a word or two, or the error.
    pub(crate) fn ended(self, permit: &Permit, outcome: Result<&str, &Error>) {
        if outcome.ok() != Some(REVOKED) && !self.lists(permit) {
            return;
        }
        let own = permit.token().map(|token| token.claims());
        let theirs = self.token.map(Verified::claims);
        let is_own = self.is_own(permit);
        let fingerprint = self.token.map(Verified::fingerprint).or(self.unverified);
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            what = self.what,
            outcome = outcome.unwrap_or("refused"),
            cause = outcome.err().map(tracing::field::display),
            by = permit.subject(),
            by_service = permit.service(),
            by_jti = own.and_then(|claims| claims.id.as_deref()),
            own = is_own,
            whose = theirs.and_then(|claims| claims.subject.as_deref()),
            whose_issuer = self.token.and_then(Verified::root_issuer),
            whose_service = theirs.and_then(|claims| claims.service.as_deref()),
            jti = theirs.and_then(|claims| claims.id.as_deref()),
            sid = theirs.and_then(|claims| claims.session.as_deref()),
            kid = self.token.map(Verified::kid),
            fingerprint = fingerprint.map(tracing::field::display),
            "presented token",
        );
    }
}

impl About<'_> {
    /// What is presented over and over has a limited number of lines: garbage and the caller's own together, and each token of somebody else's.
    fn lists(self, permit: &Permit) -> bool {
        let others = self.token.filter(|_| !self.is_own(permit));
        permit.lists(self.what, others.map(Verified::fingerprint))
    }

    fn is_own(self, permit: &Permit) -> bool {
        match (permit.token(), self.token) {
            (Some(own), Some(token)) => own.fingerprint() == token.fingerprint(),
            _ => false,
        }
    }
}

/// The outcome of what changed something.
pub(crate) const REVOKED: &str = "revoked";

/// The caller's own words are kept in bounds.
fn shortened(words: &str) -> &str {
    const LONGEST: usize = 128;
    words.get(..LONGEST).unwrap_or(if words.len() > LONGEST { "too long" } else { words })
}
