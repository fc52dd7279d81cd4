//! Resolves a session's handle to the token that it stands for.
//!
//! Invariant: a handle opens what its token opens, for as long as both are good: the token is verified by the ring of now, looked up
//! in the list at every call, and the session's own end is asked for each time.

use std::sync::Arc;

use hallpass_policy::Denial;
use hallpass_revocation::{Absent, Session, Sessions};
use hallpass_token::{KeyRing, TokenError, UnixTime};

use crate::Keys;
use crate::serve::cache::{Known, TokenCache};
use crate::serve::credentials::Token;

/// The token of the session, known or verified now, and the session.
pub(super) fn known(
    sessions: &Sessions,
    cache: &TokenCache,
    handle: Token<'_>,
    keys: &Keys,
    now: UnixTime,
) -> Result<(Arc<Known>, Arc<Session>), Denial> {
    let session = sessions.find(handle.text()?, now).map_err(denial)?;
    if let Some(known) = cache.known(handle, keys, now)? {
        return Ok((known, session));
    }
    let read = |ring: &KeyRing, handle: &str| Ok(session.verified(handle, ring, now)?);
    Ok((cache.verify(handle, keys, now, read)?, session))
}

/// A handle that is none says as little as a token that is none.
fn denial(absent: Absent) -> Denial {
    match absent {
        Absent::Unknown => Denial::TokenInvalid(TokenError::UnknownKey),
        Absent::Over | Absent::Idle => Denial::SessionEnded(absent.why()),
    }
}
