//! Instants as tokens know them: whole seconds since 1970. No arithmetic here overflows; it stops at the ends.

use std::fmt;
use std::time::Duration;

/// How far apart the clocks of two nodes may be.
pub const SKEW: Duration = Duration::from_secs(30);

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (RFC 7519's `NumericDate`, whole seconds only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// An instant from its seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// The seconds.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The instant later by the duration's whole seconds.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// The instant earlier by the duration's whole seconds.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// How long ago `earlier` was; zero where it is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
