//! How often each of many may do something: so often a minute, and as often at once.
//!
//! Invariant: bounded, whoever comes; who is forgotten begins anew.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Clock as Ticks;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::Clock;

/// How many are remembered.
const REMEMBERED: usize = 16_384;

/// A pace that each has for themselves. Clones share it.
pub struct Pace<K>(Arc<Kept<K>>);

struct Kept<K> {
    quota: Quota,
    clock: Boot,
    each: Cache<K, Arc<One>>,
}

/// One's own.
struct One {
    pace: RateLimiter<NotKeyed, InMemoryState, Boot, NoOpMiddleware<Duration>>,
    /// Until when it is over, in nanoseconds since boot.
    closed: AtomicU64,
}

/// The time since boot: nobody sets it back.
#[derive(Debug, Clone)]
struct Boot(Clock);

impl Ticks for Boot {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.boot()
    }
}

impl<K: Hash + Eq + Clone> Pace<K> {
    /// So often a minute, and as often at once.
    pub fn a_minute(times: NonZeroU32, clock: Clock) -> Self {
        let (quota, clock) = (Quota::per_minute(times), Boot(clock));
        Self(Arc::new(Kept { quota, clock, each: Cache::new(REMEMBERED) }))
    }

    /// Does it once more; or says how long to wait.
    pub fn step(&self, who: &K) -> Result<(), Duration> {
        let one = self.one(who);
        one.pace.check().map_err(|until| {
            let wait = until.wait_time_from(self.0.clock.now());
            one.closed.store(nanos(self.0.clock.now() + wait), Ordering::Relaxed);
            wait
        })
    }

    /// Whether it may be done, without doing it; or how long to wait after it was done too often.
    pub fn is_open(&self, who: &K) -> Result<(), Duration> {
        let Some(one) = self.0.each.get(who) else { return Ok(()) };
        let closed = Duration::from_nanos(one.closed.load(Ordering::Relaxed));
        match closed.checked_sub(self.0.clock.now()) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => Ok(()),
        }
    }

    fn one(&self, who: &K) -> Arc<One> {
        let Kept { quota, clock, each } = &*self.0;
        let new = || {
            let pace = RateLimiter::direct_with_clock(*quota, clock.clone());
            Ok::<_, std::convert::Infallible>(Arc::new(One { pace, closed: AtomicU64::new(0) }))
        };
        let Ok(one) = each.get_or_insert_with(who, new);
        one
    }
}

impl<K> Clone for Pace<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> fmt::Debug for Pace<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("quota", &self.0.quota).finish_non_exhaustive()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use hallpass_token::UnixTime;

    use super::*;

    #[test]
    fn each_has_a_pace_of_their_own() {
        let clock = Clock::manual(UnixTime::from_secs(1_000));
        let pace = Pace::a_minute(NonZeroU32::new(3).unwrap(), clock.clone());
        for _ in 0..3 {
            assert_eq!(pace.step(&"a"), Ok(()));
            assert_eq!(pace.is_open(&"a"), Ok(()));
        }
        assert_eq!(pace.step(&"a"), Err(Duration::from_secs(20)));
        assert_eq!(pace.is_open(&"a"), Err(Duration::from_secs(20)));
        assert_eq!((pace.step(&"b"), pace.is_open(&"c")), (Ok(()), Ok(())));
        clock.advance(Duration::from_secs(20));
        assert_eq!((pace.is_open(&"a"), pace.step(&"a")), (Ok(()), Ok(())));
        assert!(pace.step(&"a").is_err());
    }

    #[test]
    fn many_take_no_more_room() {
        let clock = Clock::manual(UnixTime::from_secs(1_000));
        let pace = Pace::a_minute(NonZeroU32::MIN, clock);
        for who in 0..3 * REMEMBERED {
            assert_eq!(pace.step(&who), Ok(()));
        }
        assert!(pace.0.each.len() <= REMEMBERED);
    }
}
