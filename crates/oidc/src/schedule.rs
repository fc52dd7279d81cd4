//! When an issuer is asked again. Pure: instants are arguments.
//!
//! Invariant: strangers' tokens make an issuer be asked at most once a minute, whatever they say.

use std::time::Duration;

/// How often keys are fetched where neither the settings nor the issuer say so.
pub(crate) const USUAL_REFRESH: Duration = Duration::from_mins(5);

/// An issuer that wants to be asked more often than that is not.
const SHORTEST_FRESH: Duration = Duration::from_mins(1);

/// However long an issuer says that its keys count: one that it withdraws is gone after that.
const LONGEST_FRESH: Duration = Duration::from_hours(1);

/// How often a token whose key is not known, or whose signature is not its key's, may lead to a fetch.
const SEEK_EVERY: Duration = Duration::from_mins(1);

/// The first pause after a failure; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No pause after a failure is longer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// One issuer's schedule. Instants are times since boot.
#[derive(Debug)]
pub(crate) struct Schedule {
    refresh: Option<Duration>,
    keep: Duration,
    fresh_for: Option<Duration>,
    fetched: Option<Duration>,
    tried: Option<Duration>,
    sought: Option<Duration>,
    failures: u32,
    under_way: bool,
}

impl Schedule {
    /// `refresh` is how often the issuer is asked at least; without it the issuer itself says so.
    pub(crate) const fn new(refresh: Option<Duration>, keep: Duration) -> Self {
        Self {
            refresh,
            keep,
            fresh_for: None,
            fetched: None,
            tried: None,
            sought: None,
            failures: 0,
            under_way: false,
        }
    }

    /// How long until the issuer is to be asked.
    pub(crate) fn wait(&self, now: Duration) -> Duration {
        let pause = match self.failures {
            0 => self.interval(),
            failures => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(16));
                doubled.min(LONGEST_PAUSE).min(self.interval())
            }
        };
        self.tried.map_or(Duration::ZERO, |tried| (tried + pause).saturating_sub(now))
    }

    /// How long the keys that were fetched last count as fresh.
    fn interval(&self) -> Duration {
        let said = self.fresh_for.map(|said| said.clamp(SHORTEST_FRESH, LONGEST_FRESH));
        let interval = match (self.refresh, said) {
            (Some(set), said) => said.map_or(set, |said| set.min(said)),
            (None, said) => said.unwrap_or(USUAL_REFRESH),
        };
        interval.min(self.keep)
    }

    /// A token's signature cannot be verified with the keys that are known. True if the issuer is to be asked because of it now.
    pub(crate) fn seek(&mut self, now: Duration) -> bool {
        let lately = self.sought.is_some_and(|at| now.saturating_sub(at) < SEEK_EVERY);
        if self.under_way || lately {
            return false;
        }
        self.sought = Some(now);
        self.under_way = true;
        true
    }

    /// Whether the issuer is being asked.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(crate) const fn begun(&mut self, now: Duration) {
        self.tried = Some(now);
        self.under_way = true;
    }

    /// There are keys. `fresh_for` is how long the issuer says that they count.
    pub(crate) const fn fetched(&mut self, now: Duration, fresh_for: Option<Duration>) {
        self.fetched = Some(now);
        self.fresh_for = fresh_for;
        self.failures = 0;
        self.under_way = false;
    }

    /// The issuer did not answer, or what it answered is no JWKS. Counts how often that was so in a row.
    pub(crate) const fn failed(&mut self) -> u32 {
        self.failures = self.failures.saturating_add(1);
        self.under_way = false;
        self.failures
    }

    /// How old the keys are; `None` before they were first fetched.
    pub(crate) fn age(&self, now: Duration) -> Option<Duration> {
        Some(now.saturating_sub(self.fetched?))
    }

    /// Whether the keys are too old to count.
    pub(crate) fn is_outlived(&self, now: Duration) -> bool {
        self.age(now).is_none_or(|age| age > self.keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn strangers_make_an_issuer_be_asked_once_a_minute() {
        let mut schedule = Schedule::new(Some(secs(300)), secs(3600));
        schedule.begun(secs(0));
        schedule.fetched(secs(0), None);
        let asked = (1..=600).filter(|at| {
            let asked = schedule.seek(secs(*at));
            if asked {
                schedule.begun(secs(*at));
                schedule.fetched(secs(*at), None);
            }
            asked
        });
        assert_eq!(asked.count(), 10);
    }

    #[test]
    fn who_asks_while_it_is_asked_does_not_ask_again() {
        let mut schedule = Schedule::new(Some(secs(300)), secs(3600));
        schedule.begun(secs(0));
        assert!(schedule.is_under_way());
        assert!(!schedule.seek(secs(1)));
        schedule.fetched(secs(1), None);
        assert!(!schedule.is_under_way());
        assert!(schedule.seek(secs(1)), "the regular fetch does not count as sought");
    }

    #[test]
    fn failures_are_tried_again_at_longer_and_longer_pauses() {
        let mut schedule = Schedule::new(Some(secs(300)), secs(3600));
        assert_eq!(schedule.wait(secs(7)), secs(0), "at once");
        let pauses: Vec<_> = (0..9)
            .map(|_| {
                schedule.begun(secs(100));
                schedule.failed();
                schedule.wait(secs(100)).as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        schedule.begun(secs(200));
        schedule.fetched(secs(200), None);
        assert_eq!(schedule.wait(secs(210)), secs(290));
        for _ in 0..100 {
            schedule.failed();
        }
        assert_eq!(schedule.wait(secs(200)), secs(60));
    }

    #[test]
    fn keys_that_are_not_fetched_again_count_for_as_long_as_is_said() {
        let mut schedule = Schedule::new(Some(secs(300)), secs(3600));
        assert!(schedule.is_outlived(secs(0)), "there are none");
        schedule.begun(secs(10));
        schedule.fetched(secs(10), None);
        schedule.failed();
        assert!(!schedule.is_outlived(secs(3610)));
        assert!(schedule.is_outlived(secs(3611)));
        assert_eq!(schedule.age(secs(3611)), Some(secs(3601)));
    }

    #[test]
    fn an_issuer_is_asked_as_often_as_it_says_within_bounds_and_as_the_settings_say_at_least() {
        for (set, said, right) in [
            (None, None, 300),
            (None, Some(0), 60),
            (None, Some(15), 60),
            (None, Some(600), 600),
            (None, Some(86_400), 3600),
            (Some(300), None, 300),
            (Some(300), Some(86_400), 300),
            (Some(300), Some(120), 120),
            (Some(300), Some(0), 60),
            (Some(10), Some(0), 10),
            (Some(7200), None, 7200),
        ] {
            let mut schedule = Schedule::new(set.map(secs), secs(10_000));
            schedule.begun(secs(0));
            schedule.fetched(secs(0), said.map(secs));
            assert_eq!(schedule.wait(secs(0)), secs(right), "{set:?} {said:?}");
        }
        let mut short = Schedule::new(None, secs(400));
        short.begun(secs(0));
        short.fetched(secs(0), Some(secs(3600)));
        assert_eq!(short.wait(secs(0)), secs(400), "no longer than they count");
    }
}
