//! Messages that come late: a call is let through by its head, and its client may withhold the message for as long as the call may last.
//!
//! Invariant: what would not be let through any more when its message has come does not reach its handler.

use std::sync::Arc;
use std::time::Duration;

use hallpass_policy::{Basis, Denial, Permit, Refusal, WhenStale, Witness};
use hallpass_token::{KeyState, TokenError, Verified};

use crate::Deadline;
use crate::serve::Guard;

impl Witness for Guard {
    fn refused(&self, permit: &Permit, refusal: &Refusal) {
        self.refusals.refused(permit, refusal);
    }

    fn upholds(&self, permit: &Permit, basis: Basis) -> Result<(), Denial> {
        // From here on the call is its handler's: nothing waits for its message any more.
        Deadline::note_entered();
        let Some(bearer) = permit.token() else { return Ok(()) };
        let tokens = || std::iter::once(bearer).chain(permit.action());
        let now = self.clock.now();
        tokens().try_for_each(|token| token.check_time(now))?;
        // Freshness before the index, as at first.
        let fresh = self.freshness.is_fresh(self.clock.boot());
        let list_moved = self.index.generation() != basis.list;
        if list_moved && tokens().any(|token| self.index.is_revoked(token)) {
            return Err(Denial::TokenRevoked);
        }
        if !fresh && permit.rule().when_stale == WhenStale::Refuse {
            return Err(Denial::ListStale);
        }
        if self.keys.generation() != basis.ring {
            let ring = self.keys.ring();
            let gone = |token: &Arc<Verified>| {
                ring.key(token.kid()).is_none_or(|key| key.state() == KeyState::Retired)
            };
            if tokens().any(gone) {
                return Err(Denial::TokenInvalid(TokenError::KeyRetired));
            }
        }
        Ok(())
    }

    fn first_message_within(&self) -> Duration {
        self.first_message
    }
}
