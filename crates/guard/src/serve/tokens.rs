//! The tokens of a call: known, or verified now as far as the limit of verifications allows.

use std::sync::Arc;

use hallpass_policy::{Denial, Rule, WhenStale};
use hallpass_revocation::{Handle, Session};
use hallpass_token::{KeyRing, TokenError, UnixTime};
use http::HeaderMap;

use crate::serve::cache::Known;
use crate::serve::caller::Caller;
use crate::serve::credentials::{Presented, Token};
use crate::serve::guard::Guard;
use crate::serve::session;
use crate::serve::verifications::Origin;

/// Why a call is not let through now.
pub(super) enum Stop {
    /// It is refused.
    Denied(Denial),
    /// It waits until one of its tokens can be verified.
    Busy,
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// What the verifications of one call may cost, and did.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Whether the price of a verification was taken.
    pub(super) granted: bool,
    pub(super) failed: bool,
}

impl Guard {
    /// Reads the call's tokens. A call that has to wait keeps them in its metadata.
    pub(super) fn read_tokens(
        &self,
        headers: &mut HeaderMap,
        caller: &mut Caller,
        now: UnixTime,
        work: &mut Work,
    ) -> Result<(), Stop> {
        let presented = Presented::take(headers)?;
        let read = self.read(&presented, caller, now, work);
        if matches!(read, Err(Stop::Busy)) {
            presented.put_back(headers);
        }
        read
    }

    fn read(
        &self,
        presented: &Presented,
        caller: &mut Caller,
        now: UnixTime,
        work: &mut Work,
    ) -> Result<(), Stop> {
        if let Some(bearer) = presented.bearer()? {
            match self.of_caller(bearer, now, work) {
                Ok((known, session)) => (caller.bearer, caller.session) = (Some(known), session),
                Err(stop) => {
                    caller.bearer = self.seen(bearer, &stop);
                    return Err(stop);
                }
            }
        }
        if let Some(action) = presented.action()? {
            match self.verified(action, now, work) {
                Ok(known) => caller.action = Some(known),
                Err(stop) => {
                    (caller.action, caller.action_refused) = (self.seen(action, &stop), true);
                    return Err(stop);
                }
            }
        }
        Ok(())
    }

    /// Whose a token is that is refused for its time alone, so that the log can say it.
    fn seen(&self, token: Token<'_>, stop: &Stop) -> Option<Arc<Known>> {
        let of_time = matches!(stop, Stop::Denied(Denial::TokenExpired | Denial::TokenNotYetValid));
        if of_time { self.cache.seen(token, &self.keys) } else { None }
    }

    /// The caller's own token, or the one that the caller's handle stands for. Only a session's handle leads to a token, so that
    /// others' guesses cost no verification.
    fn of_caller(
        &self,
        token: Token<'_>,
        now: UnixTime,
        work: &mut Work,
    ) -> Result<(Arc<Known>, Option<Arc<Session>>), Stop> {
        match &self.sessions {
            Some(sessions) if token.bytes().starts_with(Handle::PREFIX.as_bytes()) => {
                let known = session::known(sessions, &self.cache, token, &self.keys, now)?;
                Ok((known.0, Some(known.1)))
            }
            _ => Ok((self.verified(token, now, work)?, None)),
        }
    }

    fn verified(
        &self,
        token: Token<'_>,
        now: UnixTime,
        work: &mut Work,
    ) -> Result<Arc<Known>, Stop> {
        if let Some(known) = self.cache.known(token, &self.keys, now)? {
            return Ok(known);
        }
        work.granted = work.granted || self.verifications.take();
        if !work.granted {
            return Err(Stop::Busy);
        }
        let read = |ring: &KeyRing, text: &str| Ok(ring.verify_at_any_time(text)?);
        let before = self.keys.generation();
        self.cache.verify(token, &self.keys, now, read).map_err(|denial| {
            work.failed |= matches!(denial, Denial::TokenInvalid(_));
            self.unless_sought(token, denial, before).into()
        })
    }

    /// Whose key is not known because its outside issuer has just made it, or has given it a name that another key had, is told to come
    /// again: the keys are on their way.
    #[cold]
    fn unless_sought(&self, token: Token<'_>, denial: Denial, before: u64) -> Denial {
        use TokenError::{Algorithm, BadSignature, UnknownKey};
        let unknown = matches!(denial, Denial::TokenInvalid(UnknownKey | BadSignature | Algorithm));
        // The generation after the question: the keys may have come between the verification and it.
        let sought = |text| self.keys.are_sought_for(text) || self.keys.generation() != before;
        match token.text() {
            Ok(text) if unknown && sought(text) => {
                Denial::CannotDecide("the keys of the token's issuer are being fetched")
            }
            _ => denial,
        }
    }
}

impl Caller {
    /// In whose turn it waits for a verification.
    pub(super) fn origin(&self, rule: Option<&Rule>) -> Origin {
        Origin {
            vital: rule.is_some_and(|rule| rule.when_stale == WhenStale::Serve),
            address: self.address(),
            connection: self.client.map_or(0, |client| client.1),
        }
    }
}
