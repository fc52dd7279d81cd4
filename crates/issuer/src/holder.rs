//! Whose a presented token is.
//!
//! Invariant: nothing is said or done about a token whose signature is not one of the ring's.

use std::sync::Arc;

use hallpass_guard::Clock;
use hallpass_policy::Permit;
use hallpass_token::{KeyRing, TokenError, UnixTime, Verified, inspect};

use crate::error::Error;

/// The token that a request presents: the caller's own where it is empty; `None` for one that no key of the ring signed, or that is over.
///
/// A token that is not valid yet counts: it will be. One of a retired key does not: it is refused everywhere already.
pub(crate) fn presented(
    permit: &Permit,
    token: &str,
    ring: &KeyRing,
    clock: &Clock,
) -> Result<Option<Arc<Verified>>, Error> {
    if token.is_empty() {
        return Ok(Some(Arc::clone(permit.token().ok_or(Error::NoToken)?)));
    }
    let now = clock.now();
    let verified = match ring.verify(token, now) {
        Err(TokenError::NotYetValid) => {
            start(token).and_then(|start| ring.verify(token, start).ok())
        }
        other => other.ok(),
    };
    Ok(verified.map(Arc::new))
}

/// Whether the token is the caller's own: the very one, or one of the same user by the same issuer, whoever has it to act for them. Who
/// acts for a user owns only what acts alike.
pub(crate) fn is_own(permit: &Permit, token: &Verified) -> Result<bool, Error> {
    let caller = permit.token().ok_or(Error::NoToken)?;
    if caller.fingerprint() == token.fingerprint() {
        return Ok(true);
    }
    let (own, others) = (caller.claims(), token.claims());
    let same_user = own.subject.is_some()
        && own.subject == others.subject
        && caller.root_issuer().is_some_and(|issuer| token.root_issuer() == Some(issuer));
    Ok(same_user && (own.actor.is_none() || own.actor == others.actor))
}

/// When a token begins, by its own word: only where its signature has been verified already, and it is verified again at that instant.
pub(crate) fn start(token: &str) -> Option<UnixTime> {
    let payload = inspect(token).ok()?.payload;
    let claim = |name: &str| payload.get(name).and_then(serde_json::Value::as_u64);
    claim("iat").max(claim("nbf")).map(UnixTime::from_secs)
}
