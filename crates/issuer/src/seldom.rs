//! Limits a log line that every failing call would write: one in ten seconds, with how many were left out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(10);

/// When the line was written last, and how many were left out since.
pub(crate) struct Seldom {
    /// In milliseconds of the boot clock; zero if never.
    written: AtomicU64,
    left_out: AtomicU64,
}

impl Seldom {
    /// It was never written.
    pub(crate) const fn new() -> Self {
        Self { written: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// How many lines were left out before this one, if this one may be written.
    pub(crate) fn may_write(&self, boot_now: Duration) -> Option<u64> {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let (now, last) = (millis(boot_now).max(1), self.written.load(Ordering::Relaxed));
        let is_due = last == 0 || now.saturating_sub(last) >= millis(EVERY);
        let change = |last| {
            self.written.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        if is_due && change(last) {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_one_in_ten_seconds_are_counted() {
        let (seldom, at) = (Seldom::new(), Duration::from_millis);
        let written = [0, 1, 9_999, 10_001, 10_002, 30_000].map(|now| seldom.may_write(at(now)));
        assert_eq!(written, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
