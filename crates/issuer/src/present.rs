//! Now, as it counts for tokens that others mint.
//!
//! Invariant: a cut-off at the present reaches every token that was minted by then, however far ahead the clock of its minter may be.

use std::sync::Arc;

use hallpass_guard::{Clock, Keys};
use hallpass_token::{Fingerprint, KeyRing, SKEW, UnixTime};

/// The present, and who mints.
pub(crate) struct Present {
    now: UnixTime,
    ring: Arc<KeyRing>,
}

impl Present {
    pub(crate) fn read(clock: &Clock, keys: &Keys) -> Self {
        Self { now: clock.precise(), ring: keys.ring() }
    }

    /// The present in whole seconds.
    pub(crate) const fn now(&self) -> UnixTime {
        self.now.whole()
    }

    /// What is issued from now on under this issuer's name may have been issued by then: where all its minters have this node's clock,
    /// just nothing; else whatever a clock that is ahead says.
    pub(crate) fn for_issuer(&self, issuer: &str) -> UnixTime {
        self.latest(self.ring.shares_clock_with_issuer(issuer))
    }

    /// The same for what a service mints in its own name.
    pub(crate) fn for_service(&self, service: &str) -> UnixTime {
        self.latest(self.ring.shares_clock_with_service(service))
    }

    /// The cut-offs that together reach everything that this user holds, with the fingerprint that each stands under: one for each issuer
    /// that may name the user. `issuer` is that of the user's own token.
    pub(crate) fn of_user(&self, issuer: &str, subject: &str) -> Vec<(Fingerprint, UnixTime)> {
        let mut issuers = self.ring.issuers_of(subject);
        issuers.insert(issuer.to_owned());
        let cutoff =
            |issuer: &String| (Fingerprint::subject(issuer, subject), self.for_issuer(issuer));
        let elsewhere = (Fingerprint::bare_subject(subject), self.latest(false));
        issuers.iter().map(cutoff).chain([elsewhere]).collect()
    }

    const fn latest(&self, shares_clock: bool) -> UnixTime {
        if shares_clock { self.now } else { self.now.whole().plus(SKEW) }
    }
}
