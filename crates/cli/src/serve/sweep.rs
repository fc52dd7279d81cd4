//! Drops from a node's stores what has ended.
//!
//! Invariant: nothing is dropped by a wall clock that was set forward since the node was started: that would not come back, and the
//! mark that a sweep leaves would make the node refuse whatever was issued until then.

use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_revocation::{SweepClock, WriteError};
use hallpass_token::SKEW;

/// Sweeps a store for as long as the process runs; `sweep` returns how many entries it dropped.
pub(super) async fn every<F, Fut>(period: Duration, what: &'static str, clock: Clock, sweep: F)
where
    F: Fn(hallpass_token::UnixTime) -> Fut,
    Fut: Future<Output = Result<u64, WriteError>>,
{
    let mut every = tokio::time::interval(period);
    let trusted = SweepClock::started(clock.wall(), clock.boot());
    loop {
        every.tick().await;
        let present = clock.wall();
        if !trusted.trusts(present, clock.boot()) {
            tracing::warn!(
                what,
                "the wall clock was set forward: nothing is dropped until it is right or the node is restarted"
            );
            continue;
        }
        match sweep(present).await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(what, dropped, "dropped what has ended"),
            Err(error) => tracing::warn!(what, %error, "cannot drop what has ended"),
        }
    }
}

/// Says so while the wall clock is behind what the node has forgotten.
pub(super) async fn watch_clock(period: Duration, clock: Clock) {
    let mut every = tokio::time::interval(period);
    loop {
        every.tick().await;
        let behind = clock.now().since(clock.wall());
        if behind > SKEW {
            tracing::warn!(
                behind_s = behind.as_secs(),
                "the wall clock is behind what was forgotten, so time stands still for tokens: set the clock right, or, if it is \
                 right, stop the node and run `hallpass revocations reset`"
            );
        }
    }
}
