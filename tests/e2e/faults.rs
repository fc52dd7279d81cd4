//! Nothing acknowledged is lost and no node stays shut, however often the issuer and its followers are killed under load.
//!
//! `FAULT_KILLS` says how many kills (default: a few), `FAULT_SEED` at which instants.

mod fleet;
mod load;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use fleet::{Fleet, Post};
use load::Load;

const KILLS: &str = "FAULT_KILLS";
const SEED: &str = "FAULT_SEED";

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

#[test]
fn killed_again_and_again_nothing_acknowledged_is_lost() {
    let (kills, seed) = (number(KILLS, 24), number(SEED, 1));
    eprintln!("{SEED}={seed} {KILLS}={kills}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let fleet = Fleet::new();
    let load = Load::start(&fleet, runtime.handle());
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        for (place, post) in fleet.posts.iter().enumerate() {
            let (load, done) = (&load, &done);
            let chance = Chance(seed.wrapping_mul(31).wrapping_add(place as u64));
            scope.spawn(move || haunt(post, load, chance, done, kills));
        }
    });
    // Everybody is up, and nothing is acknowledged any more once the issuer has shown, by revoking, that it serves.
    load.stop(&runtime);
    for post in fleet.posts.iter().rev() {
        runtime.block_on(load.until_served(post));
        runtime.block_on(load.until_due());
        runtime.block_on(load.all_refused(post));
    }
    for post in &fleet.posts {
        post.kill();
        load.check_kept(post, load.count());
    }
    load.report(done.load(Ordering::Relaxed));
}

/// Kills one node at random instants and starts it again, until there were kills enough among all of them.
fn haunt(post: &Post, load: &Load, mut chance: Chance, done: &AtomicU64, kills: u64) {
    post.start();
    while done.load(Ordering::Relaxed) < kills {
        // Chance says when: this is the fault, nothing is waited for.
        thread::sleep(Duration::from_millis(chance.below(700)));
        let acknowledged = load.count();
        post.kill();
        done.fetch_add(1, Ordering::Relaxed);
        if post.is_issuer() {
            load.check_kept(post, acknowledged);
        }
        if chance.below(4) == 0 {
            post.kill_while_starting(Duration::from_millis(chance.below(400)));
            done.fetch_add(1, Ordering::Relaxed);
        }
        post.start();
        load.wait_until_served(post);
    }
}

/// splitmix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }
}
