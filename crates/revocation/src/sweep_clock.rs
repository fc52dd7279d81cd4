//! Whether the wall clock may be trusted to drop what has ended.
//!
//! Invariant: what is dropped by a clock that is wrong does not come back, so nothing is dropped by a clock that has run ahead of
//! time by more than the skew since the node was started, be it at once or little by little.

use std::time::Duration;

use hallpass_token::{SKEW, UnixTime};

/// What both clocks said when the node was started; the time since boot is never set.
#[derive(Debug, Clone, Copy)]
pub struct SweepClock {
    wall: UnixTime,
    boot: Duration,
}

impl SweepClock {
    /// Starts at an instant, whose wall time is taken for right.
    pub const fn started(wall: UnixTime, boot: Duration) -> Self {
        Self { wall, boot }
    }

    /// Whether what ended by this wall time may be dropped.
    pub fn trusts(&self, wall: UnixTime, boot: Duration) -> bool {
        wall.since(self.wall) <= boot.saturating_sub(self.boot) + SKEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_forward_drops_nothing() {
        let (wall, boot) = (UnixTime::from_secs(1_000), Duration::from_secs(5));
        let clock = SweepClock::started(wall, boot);
        let second = Duration::from_secs(1);
        let after = Duration::from_hours(8);
        let trusts = |step| clock.trusts(wall.plus(after + step), boot + after);
        assert!(trusts(Duration::ZERO), "time went on");
        assert!(trusts(SKEW), "clocks differ a little");
        assert!(!trusts(SKEW + second));
        assert!(clock.trusts(UnixTime::from_secs(1), boot + after), "set back");
    }
}
