//! Instants as tokens know them: seconds since 1970, and where a minter says so, the fraction of one. No arithmetic here overflows; it stops
//! at the ends.

use std::fmt;
use std::time::Duration;

/// How far apart the clocks of two nodes may be.
pub const SKEW: Duration = Duration::from_secs(30);

const MICROS: u32 = 1_000_000;
/// How many bits the microseconds take.
const FRACTION: u32 = 20;
/// The last second: in half a million years.
const LAST: u64 = u64::MAX >> FRACTION;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (RFC 7519's `NumericDate`), with a fraction in whole microseconds. Half a
/// million years from now they end; what is later is the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// An instant from its seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self((if secs < LAST { secs } else { LAST }) << FRACTION)
    }

    /// An instant from its seconds and the microseconds after them; what is more than a second of them counts as the next second.
    pub const fn from_parts(secs: u64, micros: u32) -> Self {
        let whole = Self::from_secs(secs.saturating_add((micros / MICROS) as u64));
        Self(whole.0 | (micros % MICROS) as u64)
    }

    /// An instant from its microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        let whole = Self::from_secs(micros / MICROS as u64);
        Self(whole.0 | (micros % MICROS as u64))
    }

    /// The seconds, without the fraction.
    pub const fn as_secs(self) -> u64 {
        self.0 >> FRACTION
    }

    /// The microseconds after the second.
    pub const fn subsec_micros(self) -> u32 {
        (self.0 & ((1 << FRACTION) - 1)) as u32
    }

    /// All of it in microseconds; the last one that there is, for the last instants.
    pub const fn as_micros(self) -> u64 {
        self.as_secs().saturating_mul(MICROS as u64).saturating_add(self.subsec_micros() as u64)
    }

    /// The beginning of its second.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self::from_secs(self.as_secs())
    }

    /// The instant later by the duration's whole seconds.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        let secs = self.as_secs().saturating_add(duration.as_secs());
        Self::from_parts(secs, self.subsec_micros())
    }

    /// The instant earlier by the duration's whole seconds.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        let secs = self.as_secs().saturating_sub(duration.as_secs());
        Self::from_parts(secs, self.subsec_micros())
    }

    /// How long ago `earlier` was; zero where it is later.
    pub const fn since(self, earlier: Self) -> Duration {
        self.after_start().saturating_sub(earlier.after_start())
    }

    const fn after_start(self) -> Duration {
        Duration::new(self.as_secs(), self.subsec_micros() * 1_000)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subsec_micros() {
            0 => self.as_secs().fmt(f),
            micros => write!(f, "{}.{micros:06}", self.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_kept_and_ordered() {
        let half = UnixTime::from_parts(5, 500_000);
        assert!(UnixTime::from_secs(5) < half && half < UnixTime::from_secs(6));
        assert_eq!(UnixTime::from_micros(half.as_micros()), half);
        assert_eq!(UnixTime::from_parts(4, 1_500_000), half);
        assert_eq!(
            (half.whole(), half.to_string()),
            (UnixTime::from_secs(5), "5.500000".to_owned())
        );
        assert_eq!(half.since(UnixTime::from_secs(5)), Duration::from_millis(500));
        assert_eq!(UnixTime::from_secs(5).since(half), Duration::ZERO);
        let last = UnixTime::from_secs(u64::MAX);
        assert_eq!(
            (last.as_secs(), last.plus(SKEW), last.as_micros()),
            (LAST, last, LAST * 1_000_000)
        );
    }
}
