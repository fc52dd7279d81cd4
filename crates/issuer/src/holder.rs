//! Whose a presented token is.
//!
//! Invariant: nothing is said or done about a token whose signature is not one of the ring's.

use std::sync::Arc;

use hallpass_policy::Permit;
use hallpass_revocation::{Absent, Entry, Handle, Session, Sessions};
use hallpass_token::{
    Fingerprint, KeyRing, TokenError, UnixTime, Unverified, Verified, inspect, numeric_date,
};

use crate::error::Error;
use crate::token_service::{TokenHandler, kept_until};

/// What a request presents: a token, or the handle of a session that shows one.
pub(crate) struct Presented {
    pub(crate) token: Arc<Verified>,
    session: Option<Arc<Session>>,
}

impl Presented {
    /// The token itself, even if a session shows it.
    pub(crate) const fn of(token: Arc<Verified>) -> Self {
        Self { token, session: None }
    }

    /// What revokes it: a handle's session, and not the token that the session shows.
    pub(crate) fn entry(&self) -> Entry {
        match &self.session {
            None => {
                let end = self.token.token_expires_at();
                Entry::exact(self.token.fingerprint(), end.map(kept_until))
            }
            Some(session) => {
                Entry::exact(Fingerprint::session(session.id()), Some(session.kept_until()))
            }
        }
    }

    /// Whether this is the time of the session that a handle is of.
    pub(crate) fn check_session(&self, tokens: &TokenHandler) -> Result<(), Absent> {
        match (&self.session, &tokens.sessions) {
            (Some(session), Some(sessions)) => sessions.check(session, tokens.clock.now()),
            _ => Ok(()),
        }
    }
}

/// What a request presents: the caller's own token where it is empty; `None` for one that no key of the ring signed, or that is over, and
/// for a handle of no session.
///
/// A token that is not valid yet counts: it will be. One of a retired key does not: it is refused everywhere already.
pub(crate) fn presented(
    tokens: &TokenHandler,
    permit: &Permit,
    token: &str,
) -> Result<Option<Presented>, Error> {
    if token.is_empty() {
        let own = Arc::clone(permit.token().ok_or(Error::NoToken)?);
        return Ok(Some(Presented::of(own)));
    }
    let (ring, now) = (tokens.keys.ring(), tokens.clock.now());
    if is_handle(token) {
        return Ok(shown(tokens.sessions.as_ref(), token, &ring, now).ok());
    }
    let verified = match ring.verify(token, now) {
        Err(TokenError::NotYetValid) => {
            start(token).and_then(|start| ring.verify(token, start).ok())
        }
        other => other.ok(),
    };
    Ok(verified.map(Arc::new).map(Presented::of))
}

/// The names of a token that an administrator presents and that nobody here can verify: one that only other nodes' rings know, or that is over
/// here and may not be elsewhere. Exactly these bytes are refused, and where nothing contradicts it what calls itself a descendant of them.
pub(crate) fn unverified(ring: &KeyRing, token: &str, now: UnixTime) -> Result<Vec<Entry>, Error> {
    if is_handle(token) {
        return Err(Error::NotRecorded("no open session has this handle"));
    }
    let Unverified { signed_part, name, expires_at } =
        ring.unverified(token).map_err(|_| Error::NotRecorded("this is no token"))?;
    let until = expires_at.map(kept_until);
    if until.is_some_and(|until| until <= now) {
        return Err(Error::NotRecorded("the token has ended"));
    }
    let names = std::iter::once(signed_part).chain(name);
    Ok(names.map(|name| Entry::exact(name, until)).collect())
}

/// Whether this is a session's handle, and no token.
pub(crate) fn is_handle(token: &str) -> bool {
    token.starts_with(Handle::PREFIX)
}

/// The session of a handle and the token that it shows. That somebody asks is no use of it.
pub(crate) fn shown(
    sessions: Option<&Sessions>,
    handle: &str,
    ring: &KeyRing,
    now: UnixTime,
) -> Result<Presented, TokenError> {
    let session = sessions.and_then(|sessions| sessions.look_up(handle));
    let session = session.ok_or(TokenError::UnknownKey)?;
    let token = Arc::new(session.verified(handle, ring, now)?);
    Ok(Presented { token, session: Some(session) })
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
    let claim = |name: &str| payload.get(name).and_then(numeric_date);
    claim("iat").max(claim("nbf"))
}
