//! The process's two clocks, behind one value: the wall clock, which tokens are read by, and the time since boot, which goes on while
//! the machine sleeps and is never set. Tests move theirs; nothing else in the project asks the system what time it is.
//!
//! Invariant: the clock that a node judges by is never behind what the node has forgotten. A wall clock set back makes no token valid
//! again whose revocation or redemption was dropped because the token had ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hallpass_revocation::Index;
use hallpass_token::UnixTime;
use rustix::time::{ClockId, clock_gettime};

/// Tells the time. Clones tell the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    /// Of the stores that forget by time: it is never earlier than what they have forgotten.
    forgetful: Option<Arc<Vec<Arc<Index>>>>,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<Hands>),
}

#[derive(Debug)]
struct Hands {
    start: UnixTime,
    moved_nanos: AtomicU64,
    stepped_secs: AtomicI64,
}

impl Clock {
    /// The machine's clocks.
    pub const fn system() -> Self {
        Self { source: Source::System, forgetful: None }
    }

    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: UnixTime) -> Self {
        let (moved_nanos, stepped_secs) = (AtomicU64::new(0), AtomicI64::new(0));
        let hands = Hands { start, moved_nanos, stepped_secs };
        Self { source: Source::Manual(Arc::new(hands)), forgetful: None }
    }

    /// The same clock, never earlier than what the stores with these indexes have forgotten, beside those that it knows already.
    #[must_use]
    pub fn not_before(self, forgetful: impl IntoIterator<Item = Arc<Index>>) -> Self {
        let known = self.forgetful.iter().flat_map(|known| known.iter()).map(Arc::clone);
        Self { forgetful: Some(Arc::new(known.chain(forgetful).collect())), ..self }
    }

    /// Moves a manual clock on, both its wall time and its time since boot. The machine's clocks are not moved by it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(hands) = &self.source {
            let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            hands.moved_nanos.fetch_add(nanos, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock's wall time forward by whole seconds, as an operator does; the time since boot knows nothing of it.
    pub fn step(&self, by: Duration) {
        if let Source::Manual(hands) = &self.source {
            let secs = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
            hands.stepped_secs.fetch_add(secs, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock's wall time back by whole seconds; the time since boot knows nothing of it.
    pub fn step_back(&self, by: Duration) {
        if let Source::Manual(hands) = &self.source {
            let secs = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
            hands.stepped_secs.fetch_sub(secs, Ordering::SeqCst);
        }
    }

    /// The time to judge by: the wall time, or what has been forgotten if that is later.
    pub fn now(&self) -> UnixTime {
        let marks = self.forgetful.iter().flat_map(|indexes| indexes.iter());
        marks.map(|index| index.forgotten_upto()).fold(self.wall(), UnixTime::max)
    }

    /// The same time with its fraction: for what is stamped, and for cut-offs of what is stamped so.
    pub fn precise(&self) -> UnixTime {
        self.wall_precise().max(self.now())
    }

    /// What the wall clock says, right or wrong, in whole seconds: for sweeps. A machine whose clock stands before 1970 reads 1970, at which no token is
    /// valid yet.
    pub fn wall(&self) -> UnixTime {
        self.wall_precise().whole()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one clock that all others ask")]
    fn wall_precise(&self) -> UnixTime {
        match &self.source {
            Source::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let since = since.unwrap_or_default();
                UnixTime::from_parts(since.as_secs(), since.subsec_micros())
            }
            Source::Manual(hands) => hands.wall(),
        }
    }

    /// The time since the machine started, sleep included.
    pub fn boot(&self) -> Duration {
        match &self.source {
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

    fn wall(&self) -> UnixTime {
        let stepped = self.stepped_secs.load(Ordering::SeqCst);
        let by = Duration::from_secs(stepped.unsigned_abs());
        let moved = self.moved();
        let micros = self.start.subsec_micros() + moved.subsec_micros();
        let moved = UnixTime::from_parts(self.start.plus(moved).as_secs(), micros);
        if stepped < 0 { moved.minus(by) } else { moved.plus(by) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_revocation::{Entry, Forgotten};

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = Clock::manual(UnixTime::from_secs(1_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(same.now(), UnixTime::from_secs(1_001));
        assert_eq!(same.precise(), UnixTime::from_parts(1_001, 500_000));
        assert_eq!(same.boot(), Duration::from_millis(1_500));
        clock.step(Duration::from_secs(10));
        assert_eq!(same.now(), UnixTime::from_secs(1_011));
        assert_eq!(same.boot(), Duration::from_millis(1_500));
    }

    #[test]
    fn it_is_never_behind_what_was_forgotten_however_far_the_wall_clock_is_set_back() {
        let at = UnixTime::from_secs;
        let [one, two] = [Arc::new(Index::default()), Arc::new(Index::default())];
        let wall = Clock::manual(at(1_000));
        let clock = wall.clone().not_before([Arc::clone(&one), Arc::clone(&two)]);
        let mark = |upto, since| Entry::forgotten(Forgotten { upto: at(upto), since: at(since) });
        one.insert(&[mark(900, 0)]);
        assert_eq!(clock.now(), at(1_000));
        wall.step_back(Duration::from_secs(400));
        assert_eq!((clock.now(), clock.wall(), wall.now()), (at(900), at(600), at(600)));
        two.insert(&[mark(950, 0)]);
        assert_eq!(clock.clone().now(), at(950));
        // A reset: what was forgotten before is refused by the cut-off, so the wall clock counts again.
        one.insert(&[Entry::everything(at(600))]);
        two.insert(&[Entry::everything(at(600))]);
        assert_eq!(clock.now(), at(600));
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
