//! Looks after the open calls: ends those whose permit does not hold any more, by the same rule that let them in.

use std::sync::Weak;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::serve::guard::Guard;

/// How often the clocks are looked at. A change of the list is acted on at once, and so is the instant at which it is too old.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// However soon that instant is, this much passes from one look to the next.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// Watches over a guard's calls for as long as there is the guard.
pub(super) async fn over(guard: Weak<Guard>, mut changes: watch::Receiver<u64>) {
    let (mut told, mut pause) = (true, Duration::ZERO);
    loop {
        tokio::select! {
            news = changes.changed(), if told => told = news.is_ok(),
            () = sleep(pause) => {}
        }
        let Some(guard) = guard.upgrade() else { return };
        look(&guard);
        pause = until_next_look(&guard);
    }
}

/// No stream outlasts the instant at which the node turns stale, unless it turns out to be fresh by then.
fn until_next_look(guard: &Guard) -> Duration {
    let fresh_for = guard.freshness.fresh_for(guard.clock.boot());
    fresh_for.map_or(LOOK_EVERY, |left| left.clamp(SHORTEST_PAUSE, LOOK_EVERY))
}

/// Ends every open call whose permit does not hold any more. At every look, and not only at a change of the list or of the ring: time
/// passes, sessions become idle, and a node may have been fresh, and let a stream in, between two looks.
fn look(guard: &Guard) {
    for call in guard.streams.all() {
        call.look();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use std::sync::Arc;

    use hallpass_policy::DecisionId;
    use hallpass_revocation::{Freshness, Index};
    use hallpass_token::{
        Algorithm, KeyRing, KeySpec, KeyState, NewToken, Profile, TokenId, TokenType, UnixTime,
        generate,
    };

    use super::*;
    use crate::serve::GuardSetup;
    use crate::serve::cache::Known;
    use crate::serve::call::{Call, Side};
    use crate::serve::caller::Caller;
    use crate::{Actions, Clock, Keys};

    const MAX_STALENESS: Duration = Duration::from_secs(2);

    /// Stale at one look, fresh for a moment, stale at the next: what was let in meanwhile is ended all the same.
    #[tokio::test]
    async fn a_stream_of_a_short_fresh_moment_does_not_outlast_it() {
        let (clock, freshness, guard) = start();
        let path = "/hallpass.labeler.v1.DatasetService/DownloadDataset";
        look(&guard);
        freshness.proven_at(clock.boot());
        let rule = hallpass_contract::rule(path).unwrap();
        let call = Call::new(&guard, rule, DecisionId::new(1, 1), caller(&guard));
        let _open = guard.streams.register(Arc::clone(&call));
        clock.advance(MAX_STALENESS * 2);
        look(&guard);
        let context = std::task::Context::from_waker(std::task::Waker::noop());
        let status = call.poll_cut(Side::Reading, &context).unwrap();
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

    /// Somebody whose token has an hour.
    fn caller(guard: &Guard) -> Caller {
        let mut token = NewToken::new(TokenType::User, TokenId::from_random([1; 16]));
        token.subject = Some("ann".to_owned());
        token.audience = vec!["labeler".to_owned()];
        token.life = Some(Duration::from_hours(1));
        let (keys, now) = (guard.keys.current(), guard.clock.now());
        let minted = keys.ring.mint("users", &token, now).unwrap();
        let verified = keys.ring.verify(minted.expose(), now).unwrap();
        Caller { bearer: Some(Known::new(verified, keys, Arc::default(), 0)), ..Caller::default() }
    }

    fn ring() -> KeyRing {
        let spec = KeySpec {
            kid: "users".to_owned(),
            issuer: "users.test".to_owned(),
            owner: "edge".to_owned(),
            types: vec![TokenType::User],
            scopes: std::iter::empty::<&str>().collect(),
            audiences: vec!["labeler".to_owned()],
            state: KeyState::Active,
            profile: Profile::Standard,
            no_expiry: false,
            max_life: None,
            roots: None,
        };
        KeyRing::new(vec![generate(Algorithm::EdDsa, spec).unwrap()]).unwrap()
    }

    /// A guard on a clock that is moved, of a node that has not heard anything.
    fn start() -> (Clock, Freshness, Arc<Guard>) {
        let (clock, freshness) =
            (Clock::manual(UnixTime::from_secs(1_000)), Freshness::follower(MAX_STALENESS));
        let (_, changes) = watch::channel(0);
        let guard = Guard::start(GuardSetup {
            rules: hallpass_contract::rule,
            keys: Keys::new(ring()),
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
