//! The permit: the proof that a call was decided and let through. Handlers get it instead of a token.

use std::sync::Arc;

use hallpass_token::{TokenType, Verified};
use tonic::{Extensions, Status};

use crate::rule::Rule;
use crate::{DecisionId, Denial};

/// The proof that a call was let through. Its fields are private and only the decision makes one.
#[derive(Debug, Clone)]
pub struct Permit {
    rule: &'static Rule,
    token: Option<Arc<Verified>>,
    action: Option<Arc<Verified>>,
    decision: DecisionId,
}

impl Permit {
    pub(crate) const fn public(rule: &'static Rule, decision: DecisionId) -> Self {
        Self { rule, token: None, action: None, decision }
    }

    pub(crate) const fn granted(
        rule: &'static Rule,
        token: Arc<Verified>,
        action: Option<Arc<Verified>>,
        decision: DecisionId,
    ) -> Self {
        Self { rule, token: Some(token), action, decision }
    }

    /// A permit that no decision made, for tests of handlers.
    #[cfg(feature = "testing")]
    pub const fn for_tests(
        rule: &'static Rule,
        token: Arc<Verified>,
        decision: DecisionId,
    ) -> Self {
        Self::granted(rule, token, None, decision)
    }

    /// The permit that the guard left in a request's extensions; its absence means that no guard is installed.
    pub fn of(extensions: &Extensions) -> Result<&Self, Status> {
        extensions.get::<Self>().ok_or_else(|| {
            Denial::Misconfigured("no guard is installed").into_status(DecisionId::new(0, 0))
        })
    }

    /// The rule that let the call through.
    pub const fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// The decision's id.
    pub const fn decision(&self) -> DecisionId {
        self.decision
    }

    /// The user in whose name the call is made; `None` for background tokens and public RPCs.
    pub fn subject(&self) -> Option<&str> {
        self.token.as_ref()?.claims().subject.as_deref()
    }

    /// The service that makes the call; `None` where a user calls.
    pub fn service(&self) -> Option<&str> {
        self.token.as_ref()?.claims().service.as_deref()
    }

    /// The kind of token; `None` for public RPCs.
    pub fn token_type(&self) -> Option<TokenType> {
        Some(self.token.as_ref()?.claims().token_type)
    }

    /// Whether the caller's token holds a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.token.as_ref().is_some_and(|token| token.claims().scopes.contains(scope))
    }

    /// The job that a background token was minted for.
    pub fn job_id(&self) -> Option<&str> {
        self.token.as_ref()?.claims().job_id.as_deref()
    }

    /// What a client layer needs to act in the caller's name: what the caller holds and what the rule delegates.
    pub fn token(&self) -> Option<&Arc<Verified>> {
        self.token.as_ref()
    }

    /// The action token that was demanded beside the caller's own.
    pub fn action(&self) -> Option<&Arc<Verified>> {
        self.action.as_ref()
    }
}
