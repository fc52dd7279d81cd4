//! The feed between an issuer and a follower under delay, partitions, restarts that lose what was not synced, clocks that differ, drift
//! and are set wrongly, and machines that sleep.
//!
//! Invariants: the follower never counts as fresh while it lacks what was acknowledged `max_staleness` ago; once the network
//! has healed it becomes fresh and stays so; and it drops no entry before its token has ended and the skew has passed, however its
//! wall clock is set while it runs. Each run is decided by its seed, which a failure prints.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod chance;
mod follower;
mod issuer;
mod link;
mod world;

use std::{env, thread};

use world::World;

/// How many seeds, and the first.
const SEEDS: &str = "HALLPASS_SIMULATION_SEEDS";
const FIRST: &str = "HALLPASS_SIMULATION_FIRST";

#[test]
fn never_late_and_never_stuck() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().expect(name));
    let (first, seeds) = (number(FIRST, 0), number(SEEDS, 10_000));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = |from| run((first + from..first + seeds).step_by(workers));
    let fresh: u64 = thread::scope(|scope| {
        let shares: Vec<_> =
            (0_u64..).take(workers).map(|from| scope.spawn(move || share(from))).collect();
        shares.into_iter().map(|share| share.join().expect("the seed is printed above")).sum()
    });
    // A follower that is always stale would keep the first invariant: most must have been fresh amid the faults.
    assert!(fresh * 10 >= seeds * 9, "only {fresh} of {seeds} runs were fresh for a while");
}

/// How many of the runs were fresh for a while.
fn run(seeds: impl Iterator<Item = u64>) -> u64 {
    let mut fresh = 0;
    for seed in seeds {
        let ran = World::new(seed).run();
        let share = ran.unwrap_or_else(|broken| panic!("{FIRST}={seed} {SEEDS}=1: {broken}"));
        fresh += u64::from(share > 0.1);
    }
    fresh
}
