//! How often one user may ask: so many at once, and then one after another at an even pace.
//!
//! Invariant: bounded, whoever asks; a user that is forgotten begins anew.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as Ticks;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use hallpass_guard::Clock;
use hallpass_token::{Fingerprint, Verified};
use quick_cache::sync::Cache;

/// How many users are remembered.
const REMEMBERED: usize = 10_000;

/// The pace of every user.
#[derive(Clone)]
pub(crate) struct Rate {
    quota: Quota,
    clock: Boot,
    users: Arc<Cache<Fingerprint, Arc<Pace>>>,
}

type Pace = RateLimiter<NotKeyed, InMemoryState, Boot, NoOpMiddleware<Duration>>;

/// The time since boot: no one can set it back.
#[derive(Debug, Clone)]
struct Boot(Clock);

impl Ticks for Boot {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.boot()
    }
}

impl Rate {
    /// So many a minute, and as many at once.
    pub(crate) fn a_minute(times: NonZeroU32, clock: Clock) -> Self {
        let users = Arc::new(Cache::new(REMEMBERED));
        Self { quota: Quota::per_minute(times), clock: Boot(clock), users }
    }

    /// Whether the user may ask now; else how long they have to wait.
    pub(crate) fn check(&self, user: &Verified) -> Result<(), Duration> {
        let (issuer, subject) = (user.root_issuer(), user.claims().subject.as_deref());
        let name = Fingerprint::subject(issuer.unwrap_or_default(), subject.unwrap_or_default());
        let made = || Ok(Arc::new(Pace::direct_with_clock(self.quota, self.clock.clone())));
        let pace: Result<_, std::convert::Infallible> = self.users.get_or_insert_with(&name, made);
        let Ok(pace) = pace;
        pace.check().map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

impl std::fmt::Debug for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rate").field("users", &self.users.len()).finish_non_exhaustive()
    }
}
