//! The process's two clocks, behind one value: the wall clock, which tokens are read by, and the time since boot, which goes on while
//! the machine sleeps and is never set. Tests move theirs; nothing else in the project asks the system what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hallpass_token::UnixTime;
use rustix::time::{ClockId, clock_gettime};

/// Tells the time. Clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Hands>),
}

#[derive(Debug)]
struct Hands {
    start: UnixTime,
    moved_nanos: AtomicU64,
    stepped_secs: AtomicU64,
}

impl Clock {
    /// The machine's clocks.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: UnixTime) -> Self {
        let (moved_nanos, stepped_secs) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Source::Manual(Arc::new(Hands { start, moved_nanos, stepped_secs })))
    }

    /// Moves a manual clock on, both its wall time and its time since boot. The machine's clocks are not moved by it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(hands) = &self.0 {
            let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            hands.moved_nanos.fetch_add(nanos, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock's wall time forward by whole seconds, as an operator does; the time since boot knows nothing of it.
    pub fn step(&self, by: Duration) {
        if let Source::Manual(hands) = &self.0 {
            hands.stepped_secs.fetch_add(by.as_secs(), Ordering::SeqCst);
        }
    }

    /// The wall time. A machine whose clock stands before 1970 reads 1970, at which no token is valid yet.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others ask")]
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                UnixTime::from_secs(since.map_or(0, |since| since.as_secs()))
            }
            Source::Manual(hands) => hands.start.plus(hands.moved() + hands.stepped()),
        }
    }

    /// The time since the machine started, sleep included.
    pub fn boot(&self) -> Duration {
        match &self.0 {
            Source::System => {
                let time = clock_gettime(ClockId::Boottime);
                let secs = u64::try_from(time.tv_sec).unwrap_or(0);
                Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or(0))
            }
            Source::Manual(hands) => hands.moved(),
        }
    }
}

impl Hands {
    fn moved(&self) -> Duration {
        Duration::from_nanos(self.moved_nanos.load(Ordering::SeqCst))
    }

    fn stepped(&self) -> Duration {
        Duration::from_secs(self.stepped_secs.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = Clock::manual(UnixTime::from_secs(1_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(same.now(), UnixTime::from_secs(1_001));
        assert_eq!(same.boot(), Duration::from_millis(1_500));
        clock.step(Duration::from_secs(10));
        assert_eq!(same.now(), UnixTime::from_secs(1_011));
        assert_eq!(same.boot(), Duration::from_millis(1_500));
    }

    #[test]
    fn the_machine_has_a_time() {
        let clock = Clock::system();
        clock.advance(Duration::from_hours(1_000_000));
        assert!(clock.now() > UnixTime::from_secs(1_700_000_000));
        assert!(clock.now() < UnixTime::from_secs(5_000_000_000));
        assert!(clock.boot() > Duration::ZERO);
    }
}
