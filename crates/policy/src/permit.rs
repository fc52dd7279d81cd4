//! The permit: the proof that a call was decided and let through. Handlers get it instead of a token.

use std::sync::Arc;
use std::time::Duration;

use hallpass_token::{Fingerprint, Grants, ResourceClaim, TokenType, Verified};
use tonic::{Extensions, Status};

use crate::adapter::FIRST_MESSAGE_WITHIN;
use crate::rule::Rule;
use crate::{DecisionId, Denial, Failure, Object, Refusal, Witness};

/// The proof that a call was let through. Its fields are private and only the decision makes one.
#[derive(Debug, Clone)]
pub struct Permit {
    rule: &'static Rule,
    token: Option<Arc<Verified>>,
    action: Option<Arc<Verified>>,
    decision: DecisionId,
    witness: Option<Arc<dyn Witness>>,
    object: Option<Object>,
    bucket: Option<Arc<str>>,
}

impl Permit {
    pub(crate) const fn public(rule: &'static Rule, decision: DecisionId) -> Self {
        Self {
            rule,
            token: None,
            action: None,
            decision,
            witness: None,
            object: None,
            bucket: None,
        }
    }

    pub(crate) const fn granted(
        rule: &'static Rule,
        token: Arc<Verified>,
        action: Option<Arc<Verified>>,
        decision: DecisionId,
    ) -> Self {
        Self {
            rule,
            token: Some(token),
            action,
            decision,
            witness: None,
            object: None,
            bucket: None,
        }
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

    /// The same permit, whose later refusals this witness learns of, and which stands as long as the witness upholds it.
    #[must_use]
    pub fn witnessed(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// The same permit for what lies in one bucket: tokens that are minted in its holder's name have storage grants for that one alone.
    #[must_use]
    pub fn within_bucket(self, bucket: &str) -> Self {
        Self { bucket: Some(bucket.into()), ..self }
    }

    /// The same permit for one object: what is refused under it is refused about that.
    #[must_use]
    pub fn about(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// The refusal of a call that was let through at first. It is recorded, with who calls and the object that the permit is for.
    pub fn refuse(&self, denial: Denial) -> Refusal {
        let refusal = self.refusal(denial);
        self.tell(&refusal);
        refusal
    }

    /// A refusal that is not recorded yet.
    pub(crate) fn refusal(&self, denial: Denial) -> Refusal {
        let (object, bucket) = (self.object.clone(), self.bucket.clone());
        Refusal { object, bucket, ..Refusal::new(denial, self.decision) }
    }

    /// Lets the witness know of a refusal.
    pub(crate) fn tell(&self, refusal: &Refusal) {
        if let Some(witness) = &self.witness {
            witness.refused(self, refusal);
        }
    }

    /// Lets the witness know that a handler failed.
    pub(crate) fn tell_failed(&self, failure: &Failure) {
        if let Some(witness) = &self.witness {
            witness.failed(self, failure);
        }
    }

    /// Lets the witness know that a handler did what was asked.
    pub(crate) fn tell_answered(&self) {
        if let Some(witness) = &self.witness {
            witness.answered(self);
        }
    }

    /// Whether a line of the record that tells of no change is to be written. A caller has a limited number of each a minute, and of those
    /// about one thing; the rest is counted.
    pub fn lists(&self, line: &'static str, about: Option<Fingerprint>) -> bool {
        self.witness.as_ref().is_none_or(|witness| witness.lists(self, line, about))
    }

    /// Whether it would still be given.
    pub(crate) fn stands(&self) -> Result<(), Denial> {
        match &self.witness {
            Some(witness) => witness.upholds(self),
            None => Ok(()),
        }
    }

    /// How long the first message of the caller's stream may take.
    pub(crate) fn first_message_within(&self) -> Duration {
        let witness = self.witness.as_ref().map(|witness| witness.first_message_within());
        witness.unwrap_or(FIRST_MESSAGE_WITHIN)
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

    /// What the caller's token lets its holder do to stored objects; `None` where it does not say, and the object check alone decides.
    pub fn grants(&self) -> Option<&Grants> {
        self.token.as_ref()?.claims().grants.as_ref()
    }

    /// The one bucket that the permit is for; `None` for whatever the caller's token reaches.
    pub const fn bucket(&self) -> Option<&Arc<str>> {
        self.bucket.as_ref()
    }

    /// The one object that the caller's token is for, if it is for one.
    pub fn claimed(&self) -> Option<&ResourceClaim> {
        self.token.as_ref()?.claims().resource.as_ref()
    }

    /// Whether the caller's token is for this object, or for no one object.
    pub fn is_for(&self, kind: &str, id: &str) -> bool {
        self.claimed().is_none_or(|claimed| claimed.kind == kind && claimed.id == id)
    }

    /// The job that a background token was minted for.
    pub fn job_id(&self) -> Option<&str> {
        self.token.as_ref()?.claims().job_id.as_deref()
    }

    /// The user whose permissions a background token's calls need; `None` where the job is nobody's.
    pub fn job_owner(&self) -> Option<&str> {
        self.token.as_ref()?.claims().job_owner.as_deref()
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
