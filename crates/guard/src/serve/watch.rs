//! Looks after the open streams: ends those whose token was revoked or ran out, and those that a stale node cannot vouch for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use hallpass_token::{KeyRing, Verified};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::keys::Current;
use crate::serve::guard::Guard;
use crate::serve::streams::Ending;

/// How often the clocks are looked at. A change of the list is acted on at once, and so is the instant at which it is too old.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// However soon that instant is, this much passes from one look to the next.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Watches over a guard's streams for as long as there is the guard.
pub(super) async fn over(
    guard: Weak<Guard>,
    ring: Arc<Current>,
    mut changes: watch::Receiver<u64>,
) {
    let mut seen = Seen { list: None, ring };
    let (mut told, mut pause) = (true, Duration::ZERO);
    loop {
        tokio::select! {
            news = changes.changed(), if told => told = news.is_ok(),
            () = sleep(pause) => {}
        }
        let Some(guard) = guard.upgrade() else { return };
        seen.look(&guard);
        pause = until_next_look(&guard);
    }
}

/// No stream outlasts the instant at which the node turns stale, unless it turns out to be fresh by then.
fn until_next_look(guard: &Guard) -> Duration {
    let fresh_for = guard.freshness.fresh_for(guard.clock.boot());
    fresh_for.map_or(LOOK_EVERY, |left| left.clamp(SHORTEST_PAUSE, LOOK_EVERY))
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
    use crate::serve::GuardSetup;
    use crate::{Actions, Clock, Keys};

    const MAX_STALENESS: Duration = Duration::from_secs(2);

    /// Stale at one look, fresh for a moment, stale at the next: what was let in meanwhile is ended all the same.
    #[tokio::test]
    async fn a_stream_of_a_short_fresh_moment_does_not_outlast_it() {
        let (clock, freshness, guard) = start();
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

    #[tokio::test]
    async fn the_next_look_is_no_later_than_the_instant_at_which_the_node_turns_stale() {
        let (clock, freshness, guard) = start();
        assert_eq!(until_next_look(&guard), LOOK_EVERY, "nothing is open on a node that is stale");
        freshness.proven_at(clock.boot());
        let (nanos, millis) = (Duration::from_nanos, Duration::from_millis);
        for (passes, next) in [
            (nanos(0), LOOK_EVERY),
            (millis(1_960), millis(40)),
            (nanos(39_999_999), SHORTEST_PAUSE),
            (nanos(1), LOOK_EVERY),
        ] {
            clock.advance(passes);
            assert_eq!(until_next_look(&guard), next, "after {passes:?} more");
        }
    }

    /// A guard on a clock that is moved, of a node that has not heard anything.
    fn start() -> (Clock, Freshness, Arc<Guard>) {
        let (clock, freshness) =
            (Clock::manual(UnixTime::from_secs(1_000)), Freshness::follower(MAX_STALENESS));
        let (_, changes) = watch::channel(0);
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
        (clock, freshness, guard)
    }
}
