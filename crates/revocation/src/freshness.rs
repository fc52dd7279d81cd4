//! Whether a node knows the list well enough to decide.
//!
//! Invariant: a follower is fresh at an instant only if every revocation acknowledged `max_staleness` before that instant is in
//! its index. So it counts from its own sending of a probe, never from an answer's arrival.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nothing has been proven yet.
const NEVER: u64 = 0;

/// A shared view of how fresh this node is. Reading it is one atomic load.
#[derive(Debug, Clone)]
pub struct Freshness(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Issuer,
    Follower { max_staleness: Duration, proven: Arc<AtomicU64> },
}

impl Freshness {
    /// For the node that owns the list: what it has acknowledged is in its own index.
    pub const fn always() -> Self {
        Self(Kind::Issuer)
    }

    /// For a node that follows another: stale until the first proof.
    pub fn follower(max_staleness: Duration) -> Self {
        Self(Kind::Follower { max_staleness, proven: Arc::new(AtomicU64::new(NEVER)) })
    }

    /// Whether the node may decide at this instant of the boot clock.
    pub fn is_fresh(&self, boot_now: Duration) -> bool {
        match &self.0 {
            Kind::Issuer => true,
            Kind::Follower { max_staleness, .. } => {
                self.age(boot_now).is_some_and(|age| age < *max_staleness)
            }
        }
    }

    /// How long the node stays fresh if it hears nothing more; `None` for an issuer, and for a node that is stale.
    pub fn fresh_for(&self, boot_now: Duration) -> Option<Duration> {
        let left = self.max_staleness()?.checked_sub(self.age(boot_now)?)?;
        (!left.is_zero()).then_some(left)
    }

    /// How old the node's knowledge is; zero for an issuer, `None` for a follower that never knew.
    pub fn age(&self, boot_now: Duration) -> Option<Duration> {
        match &self.0 {
            Kind::Issuer => Some(Duration::ZERO),
            Kind::Follower { proven, .. } => match proven.load(Ordering::Acquire) {
                NEVER => None,
                // One is added when it is stored, so that the first nanosecond differs from never.
                at => Some(boot_now.saturating_sub(Duration::from_nanos(at - 1))),
            },
        }
    }

    /// The age at which the node counts as stale; `None` for an issuer.
    pub const fn max_staleness(&self) -> Option<Duration> {
        match &self.0 {
            Kind::Issuer => None,
            Kind::Follower { max_staleness, .. } => Some(*max_staleness),
        }
    }

    /// Records that the index holds all that was acknowledged before this instant. It never goes back; for an issuer nothing changes.
    pub fn proven_at(&self, boot: Duration) {
        if let Kind::Follower { proven, .. } = &self.0 {
            let nanos = u64::try_from(boot.as_nanos()).unwrap_or(u64::MAX - 1);
            proven.fetch_max(nanos.saturating_add(1), Ordering::AcqRel);
        }
    }
}

/// The boot clock: it only moves forward, and goes on while the machine sleeps.
pub fn boot_now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let secs = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALENESS: Duration = Duration::from_secs(2);

    #[test]
    fn an_issuer_is_always_fresh() {
        let issuer = Freshness::always();
        assert!(issuer.is_fresh(Duration::MAX));
        assert_eq!(issuer.age(Duration::MAX), Some(Duration::ZERO));
        assert_eq!(issuer.fresh_for(Duration::ZERO), None);
    }

    #[test]
    fn a_follower_is_stale_until_proven_and_again_after_max_staleness() {
        let follower = Freshness::follower(STALENESS);
        let at = Duration::from_millis;
        assert!(!follower.is_fresh(at(0)) && follower.age(at(0)).is_none());
        follower.clone().proven_at(at(1_000));
        for (now, fresh) in [(1_000, true), (2_999, true), (3_000, false), (9_000, false)] {
            assert_eq!(follower.is_fresh(at(now)), fresh, "at {now} ms");
        }
        assert_eq!(follower.age(at(1_500)), Some(at(500)));
        for (now, left) in [(1_500, Some(1_500)), (2_999, Some(1)), (3_000, None), (9_000, None)] {
            assert_eq!(follower.fresh_for(at(now)), left.map(at), "at {now} ms");
        }
    }

    #[test]
    fn a_late_proof_of_an_earlier_instant_changes_nothing() {
        let follower = Freshness::follower(STALENESS);
        follower.proven_at(Duration::from_secs(10));
        follower.proven_at(Duration::from_secs(5));
        assert_eq!(follower.age(Duration::from_secs(10)), Some(Duration::ZERO));
    }

    #[test]
    fn the_boot_clock_moves_forward() {
        let first = boot_now();
        assert!(first > Duration::ZERO && boot_now() >= first);
    }
}
