//! Whether a permit still holds: the only code that answers it, whoever asks.
//!
//! Three callers ask: the decision, the second look when a unary call's request message has arrived, and the watch over open calls.
//!
//! Invariant: the same facts give the same denial to all three, and it is the one that a new call with the same tokens would get.

use hallpass_token::{TokenError, UnixTime};

use crate::Denial;
use crate::decision::{Credential, Facts, KeyEntry, ListState};
use crate::rule::{Access, WhenStale};

/// Whether the call's tokens still authenticate its caller. A public RPC needs none.
pub fn validity(facts: &Facts<'_>, now: UnixTime) -> Result<(), Denial> {
    if facts.rule.access == Access::Public {
        return Ok(());
    }
    let bearer = facts.bearer.ok_or(Denial::TokenMissing)?;
    holds(bearer, facts, now)?;
    facts.action.map_or(Ok(()), |action| holds(action, facts, now))
}

/// Whether one of them does. The order is that in which a new call learns of it: its key, its time, the list, its session, its binding;
/// last, whether this node can know.
pub(crate) fn holds(
    credential: Credential<'_>,
    facts: &Facts<'_>,
    now: UnixTime,
) -> Result<(), Denial> {
    if credential.key == KeyEntry::Gone {
        return Err(Denial::TokenInvalid(TokenError::KeyRetired));
    }
    credential.token.check_time(now)?;
    if credential.revoked {
        return Err(Denial::TokenRevoked);
    }
    if let Some(why) = credential.session_ended {
        return Err(Denial::SessionEnded(why));
    }
    if let Some(bound) = &credential.token.claims().confirmation
        && facts.client_certificate != Some(bound.certificate_sha256)
    {
        return Err(Denial::BindingMismatch);
    }
    if facts.list == ListState::Stale && facts.rule.when_stale == WhenStale::Refuse {
        return Err(Denial::ListStale);
    }
    Ok(())
}
