//! Where action tokens are used: the last thing that happens before the handler of an elevated operation.
//!
//! Invariant: a token that is good for one call is claimed before that call's handler is entered, and what cannot be claimed is
//! refused. Other kinds of token never get here.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::Verified;
use tonic::{Request, Status};

use crate::{Action, DecisionId, Denial, Permit, Unknown};

/// How long a claim may take.
const CLAIM_WITHIN: Duration = Duration::from_secs(5);

/// Knows which action tokens are spent. There is one for each audience, in the one process that serves it.
pub trait ActionDesk: fmt::Debug + Send + Sync + 'static {
    /// Claims a token for the call of this decision. Answered once that is durable; the same decision may ask again.
    fn claim<'a>(
        &'a self,
        token: &'a Verified,
        decision: DecisionId,
    ) -> Pin<Box<dyn Future<Output = Result<Claimed, Unknown>> + Send + 'a>>;

    /// Notes what became of a call with an action token.
    fn note(&self, action: &'static Action, token: &Verified, outcome: Outcome);
}

/// Whose a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// This call's.
    Now,
    /// Another call's, or none can tell any more.
    Before,
}

/// What became of a call with an action token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The token was issued; no call yet.
    Issued,
    /// The handler was entered.
    Used,
    /// The token was refused, or had been spent.
    Refused,
}

/// The desk as the guard leaves it in a request's extensions.
#[derive(Debug, Clone)]
pub struct Desk(
    /// The process's own.
    pub Arc<dyn ActionDesk>,
);

/// The desk that the guard left in a request; its absence means that none is installed.
pub fn desk<T>(request: &Request<T>) -> Result<Arc<dyn ActionDesk>, Status> {
    let desk = request.extensions().get::<Desk>().map(|Desk(desk)| Arc::clone(desk));
    desk.ok_or_else(|| {
        let denial = Denial::Misconfigured("no desk for action tokens is installed");
        denial.into_status(DecisionId::new(0, 0))
    })
}

/// Uses the call's action token: claims it, where it is good for one call.
pub async fn use_up(desk: &dyn ActionDesk, permit: &Permit) -> Result<(), Status> {
    let refuse = |denial| Err(Status::from(permit.refuse(denial)));
    let (Some(action), Some(token)) = (permit.rule().action(), permit.action()) else {
        return refuse(Denial::Misconfigured("the permit holds no action token"));
    };
    if action.single_use {
        let claim = desk.claim(token, permit.decision());
        let claimed = tokio::time::timeout(CLAIM_WITHIN, claim).await;
        match claimed.unwrap_or(Err(Unknown("the claim store did not answer in time"))) {
            Ok(Claimed::Now) => {}
            Ok(Claimed::Before) => {
                desk.note(action, token, Outcome::Refused);
                return refuse(Denial::TokenSpent);
            }
            Err(Unknown(what)) => return refuse(Denial::CannotDecide(what)),
        }
    }
    desk.note(action, token, Outcome::Used);
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        audience = action.audience,
        sub = permit.subject(),
        jti = token.claims().id.as_deref(),
        kid = token.kid(),
        caller_jti = permit.token().and_then(|own| own.claims().id.as_deref()),
        sid = token.claims().session.as_deref(),
        "elevated operation",
    );
    Ok(())
}
