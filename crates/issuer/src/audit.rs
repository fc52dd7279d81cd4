//! The record of who asked for a token and what became of it. Every attempt has its line, whatever its end; no token is in any.

use hallpass_policy::Permit;

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

/// The caller's own words are kept in bounds.
fn shortened(words: &str) -> &str {
    const LONGEST: usize = 128;
    words.get(..LONGEST).unwrap_or(if words.len() > LONGEST { "too long" } else { words })
}
