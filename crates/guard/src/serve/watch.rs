//! Looks after the open streams: ends those whose token was revoked or ran out, and those that a stale node cannot vouch for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hallpass_token::{KeyRing, Verified};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::keys::Current;
use crate::serve::guard::Guard;
use crate::serve::streams::Ending;

/// How often the clocks are looked at. A change of the list is acted on at once.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Watches over a guard's streams for as long as there is the guard.
pub(super) async fn over(
    guard: Weak<Guard>,
    ring: Arc<Current>,
    mut changes: watch::Receiver<u64>,
) {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen { list: None, ring };
    let mut told = true;
    loop {
        tokio::select! {
            news = changes.changed(), if told => told = news.is_ok(),
            _ = tick.tick() => {}
        }
        match guard.upgrade() {
            Some(guard) => seen.look(&guard),
            None => return,
        }
    }
}

/// What was looked at last.
struct Seen {
    list: Option<u64>,
    ring: Arc<Current>,
}

impl Seen {
    fn look(&mut self, guard: &Guard) {
        let stale = !guard.freshness.is_fresh(guard.clock.boot());
        for stream in guard.streams.ended(guard.clock.now()) {
            stream.cut(Ending::Expired);
        }
        // At every look, not only when it turns stale: it may have been fresh, and let a stream in, between two looks.
        if stale {
            end_stale(guard);
        }
        // Both are read before the look: what changes meanwhile is looked at in the next round.
        let (list, ring) = (Some(guard.index.generation()), guard.keys.current());
        if self.list != list {
            end_revoked(guard);
        }
        if self.ring.generation != ring.generation {
            end_keyless(guard, &self.ring.ring, &ring.ring);
        }
        (self.list, self.ring) = (list, ring);
    }
}

fn end_stale(guard: &Guard) {
    for stream in guard.streams.all() {
        if stream.ends_when_stale() {
            stream.cut(Ending::Stale);
        }
    }
}

fn end_revoked(guard: &Guard) {
    for stream in guard.streams.all() {
        if stream.tokens().any(|token| guard.index.is_revoked(token)) {
            stream.cut(Ending::Revoked);
        }
    }
}

/// Ends what was let in by an entry that is gone, or that is another now: its key may be new, or its tokens may do less.
fn end_keyless(guard: &Guard, before: &KeyRing, after: &KeyRing) {
    let gone = |token: &Verified| match (before.key(token.kid()), after.key(token.kid())) {
        (Some(before), Some(after)) => !before.is_same_entry(after),
        (None, _) | (_, None) => true,
    };
    for stream in guard.streams.all() {
        if stream.tokens().any(gone) {
            stream.cut(Ending::KeyGone);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use hallpass_policy::DecisionId;
    use hallpass_revocation::{Freshness, Index};
    use hallpass_token::UnixTime;

    use super::*;
    use crate::serve::guard::GuardSetup;
    use crate::{Actions, Clock, Keys};

    const MAX_STALENESS: Duration = Duration::from_secs(2);

    /// Stale at one look, fresh for a moment, stale at the next: what was let in meanwhile is ended all the same.
    #[tokio::test]
    async fn a_stream_of_a_short_fresh_moment_does_not_outlast_it() {
        let (clock, freshness) =
            (Clock::manual(UnixTime::from_secs(1_000)), Freshness::follower(MAX_STALENESS));
        let (_list, changes) = watch::channel(0);
        let guard = Guard::start(GuardSetup {
            rules: hallpass_contract::rule,
            keys: Keys::new(KeyRing::default()),
            index: Arc::new(Index::default()),
            changes,
            freshness: freshness.clone(),
            clock: clock.clone(),
            actions: Actions::new(None, clock.clone()),
            sessions: None,
            node: 1,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let path = "/hallpass.labeler.v1.DatasetService/DownloadDataset";
        let mut seen = Seen { list: None, ring: guard.keys.current() };
        seen.look(&guard);
        freshness.proven_at(clock.boot());
        let rule = hallpass_contract::rule(path).unwrap();
        let _open = guard.streams.register(rule, DecisionId::new(1, 1), Vec::new());
        clock.advance(MAX_STALENESS * 2);
        seen.look(&guard);
        let stream = guard.streams.all().pop().unwrap();
        let context = std::task::Context::from_waker(std::task::Waker::noop());
        let status = stream.poll_cut(crate::serve::streams::Side::Reading, &context).unwrap();
        assert_eq!(status.code(), tonic::Code::Unavailable);
    }
}
