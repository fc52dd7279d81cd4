//! How often one user may ask.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{Clock, Pace};
use hallpass_token::{Fingerprint, Verified};

/// The pace of every user, where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Rate(Option<Pace<Fingerprint>>);

impl Rate {
    /// So often a minute, and as often at once; without a number as often as they like.
    pub(crate) fn a_minute(times: Option<NonZeroU32>, clock: Clock) -> Self {
        Self(times.map(|times| Pace::a_minute(times, clock)))
    }

    /// Whether the user may ask now; else how long they have to wait.
    pub(crate) fn check(&self, user: &Verified) -> Result<(), Duration> {
        let (issuer, subject) = (user.root_issuer(), user.claims().subject.as_deref());
        let name = Fingerprint::subject(issuer.unwrap_or_default(), subject.unwrap_or_default());
        self.0.as_ref().map_or(Ok(()), |pace| pace.step(&name))
    }
}
