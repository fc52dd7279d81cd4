//! The process's desk for action tokens: it claims those that are good for one call, and counts what becomes of all.
//!
//! Invariant: without a store of claims no token that is good for one call is let through.

use std::pin::Pin;
use std::sync::Arc;

use hallpass_policy::{Action, ActionDesk, Claimed, DecisionId, Outcome, Unknown};
use hallpass_revocation::{Claim, ClaimStore, ClaimsError};
use hallpass_token::{TokenType, Verified};

use crate::Clock;
use crate::serve::usage::{Usage, UsageRow};

/// The desk of one process.
#[derive(Debug)]
pub struct Actions {
    claims: Option<Arc<dyn ClaimStore>>,
    usage: Usage,
    clock: Clock,
}

impl Actions {
    /// With a store of claims, where the process serves operations whose tokens are good for one call.
    pub fn new(claims: Option<Arc<dyn ClaimStore>>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { claims, usage: Usage::since(clock.now()), clock })
    }

    /// Whether tokens that are good for one call can be claimed here.
    pub const fn can_claim(&self) -> bool {
        self.claims.is_some()
    }

    /// Whether a token was good for one call, and that has been made, as far as can be told.
    pub async fn is_spent(&self, token: &Verified) -> Result<bool, ClaimsError> {
        match &self.claims {
            Some(claims) if token.claims().token_type == TokenType::Action => {
                claims.is_claimed(token.fingerprint()).await
            }
            _ => Ok(false),
        }
    }

    /// What has become of action tokens lately: of one user, or of all.
    pub fn usage(&self, of: Option<&Verified>) -> Vec<UsageRow> {
        self.usage.read(of)
    }
}

impl ActionDesk for Actions {
    fn claim<'a>(
        &'a self,
        token: &'a Verified,
        decision: DecisionId,
    ) -> Pin<Box<dyn Future<Output = Result<Claimed, Unknown>> + Send + 'a>> {
        Box::pin(async move {
            let claims = self.claims.as_ref().ok_or(Unknown("no store of claims"))?;
            let expires_at = token.token_expires_at();
            let expires_at = expires_at.ok_or(Unknown("an action token without end"))?;
            let claim = Claim {
                token: token.fingerprint(),
                issued_at: token.claims().issued_at,
                expires_at,
                decision: decision.as_u128(),
            };
            match claims.claim(claim, self.clock.now()).await {
                Ok(true) => Ok(Claimed::Now),
                Ok(false) => Ok(Claimed::Before),
                Err(error) => {
                    tracing::error!(%error, %decision, "an action token cannot be claimed");
                    Err(Unknown("the store of claims"))
                }
            }
        })
    }

    fn note(&self, action: &'static Action, token: &Verified, outcome: Outcome) {
        self.usage.note(action, token, outcome, self.clock.now());
    }
}
