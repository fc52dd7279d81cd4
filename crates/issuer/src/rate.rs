//! How often one user may ask.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{Clock, Pace};
use hallpass_token::{Fingerprint, Verified};

/// The pace of every user.
#[derive(Debug, Clone)]
pub(crate) struct Rate(Pace<Fingerprint>);

impl Rate {
    /// So often a minute, and as often at once.
    pub(crate) fn a_minute(times: NonZeroU32, clock: Clock) -> Self {
        Self(Pace::a_minute(times, clock))
    }

    /// Whether the user may ask now; else how long they have to wait.
    pub(crate) fn check(&self, user: &Verified) -> Result<(), Duration> {
        let (issuer, subject) = (user.root_issuer(), user.claims().subject.as_deref());
        let name = Fingerprint::subject(issuer.unwrap_or_default(), subject.unwrap_or_default());
        self.0.step(&name)
    }
}
