//! Whether a token is good.
//!
//! Invariant: what is said of another's token is what is said of no token at all.

use std::sync::Arc;

use hallpass_contract::auth::{TokenFacts, ValidateTokenResponse};
use hallpass_policy::{Denial, Permit};
use hallpass_token::{KeyRing, TokenError, UnixTime, Verified};

use super::{ADMIN_SCOPE, facts};
use crate::error::Error;
use crate::holder::{Presented, is_handle, is_own, shown, start};
use crate::token_service::TokenHandler;

/// Looks into a token for a caller; an empty one means the caller's own.
pub(super) async fn answer(
    tokens: &TokenHandler,
    permit: &Permit,
    token: &str,
) -> Result<ValidateTokenResponse, Error> {
    let (ring, now, admin) =
        (tokens.keys.ring(), tokens.clock.now(), permit.has_scope(ADMIN_SCOPE));
    let presented = if token.is_empty() {
        Ok(Presented::of(Arc::clone(permit.token().ok_or(Error::NoToken)?)))
    } else if is_handle(token) {
        shown(tokens.sessions.as_ref(), token, &ring, now)
    } else {
        signed(&ring, token, now).map(Arc::new).map(Presented::of)
    };
    let about = tokens.about("validate", presented.as_ref().ok(), token);
    let presented = match &presented {
        Ok(presented) if admin || is_own(permit, &presented.token)? => presented,
        Ok(_) => {
            about.ended(permit, Ok("another's, not told"));
            return Ok(nothing(None));
        }
        Err(error) => {
            about.ended(permit, Ok("unknown"));
            return Ok(nothing(admin.then_some(*error)));
        }
    };
    let told = facts::of(&presented.token, &ring, now);
    let problem = problem(tokens, presented, now).await;
    about.ended(permit, Ok(problem.as_ref().map_or("passed", Denial::reason)));
    Ok(match problem {
        None => ValidateTokenResponse {
            validation: "passed".to_owned(),
            validated_claims: Some(told),
            ..ValidateTokenResponse::default()
        },
        Some(denial) => failed(&denial, None, Some(told)),
    })
}

/// The token, if a key of the ring signed it, whether or not this is its time.
fn signed(ring: &KeyRing, token: &str, now: UnixTime) -> Result<Verified, TokenError> {
    match ring.verify(token, now) {
        Err(error @ (TokenError::Expired | TokenError::NotYetValid)) => {
            ring.verify(token, start(token).ok_or(error)?)
        }
        other => other,
    }
}

/// What is wrong with a token that was signed as it should be.
async fn problem(tokens: &TokenHandler, presented: &Presented, now: UnixTime) -> Option<Denial> {
    let token = &presented.token;
    if let Err(absent) = presented.check_session(tokens) {
        return Some(Denial::SessionEnded(absent.why()));
    }
    if let Err(error) = token.check_time(now) {
        return Some(error.into());
    }
    if tokens.list.index().is_revoked(token) {
        return Some(Denial::TokenRevoked);
    }
    match tokens.actions.is_spent(token).await {
        Ok(spent) => spent.then_some(Denial::TokenSpent),
        Err(_) => Some(Denial::CannotDecide("the store of claims")),
    }
}

/// The answer about what is no token of the caller's. Only an administrator is told why.
fn nothing(cause: Option<TokenError>) -> ValidateTokenResponse {
    let denial = Denial::TokenInvalid(cause.unwrap_or(TokenError::BadSignature));
    failed(&denial, cause, None)
}

fn failed(
    denial: &Denial,
    cause: Option<TokenError>,
    told: Option<TokenFacts>,
) -> ValidateTokenResponse {
    let (_, reason, message) = denial.answer();
    ValidateTokenResponse {
        validation: "failed".to_owned(),
        reason: reason.to_owned(),
        explanation: cause
            .map_or_else(|| message.to_owned(), |cause| format!("{message}: {cause}")),
        validated_claims: told,
    }
}
