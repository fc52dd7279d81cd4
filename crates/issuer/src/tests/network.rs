//! An issuer and three nodes on a simulated network that loses, holds and delays what they send, while they crash and start again.
//!
//! Invariant: a node that counts as fresh has every revocation that was acknowledged longer ago than the bound, nothing that was
//! acknowledged is ever missing at the issuer, and once the network is whole every node is fresh again.
//!
//! All is real but the sockets and the clocks: the follower, its client layer, the guard, the issuer's handlers, the lists on their disks.
//! `NETWORK_SEEDS` says how many seeds (default: a few), `NETWORK_SEED` which is the first.

mod hosts;
mod wire;

use std::time::Duration;

use hosts::{BOUND, Hosts, NODES, TICK};
use turmoil::Sim;

/// How long there are faults, and how long all may take to be well afterwards.
const FAULTS: Duration = Duration::from_secs(30);
const WELL_WITHIN: Duration = Duration::from_mins(1);

#[test]
#[expect(clippy::print_stdout, reason = "whoever reads a failure is to repeat it")]
fn no_seed_lets_a_revoked_token_through_or_shuts_a_node_for_ever() {
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let (first, seeds) = (number("NETWORK_SEED", 1), number("NETWORK_SEEDS", 8));
    let (mut acknowledged, mut faults) = (0, 0);
    for seed in first..first + seeds {
        println!("NETWORK_SEED={seed} repeats this");
        let run = Run::new(seed).run_out();
        acknowledged += run.0;
        faults += run.1;
    }
    println!("{seeds} seeds: {acknowledged} revocations acknowledged, {faults} faults");
    assert!(acknowledged > 0 && faults > 0, "nothing was tried");
}

struct Run<'a> {
    sim: Sim<'a>,
    hosts: Hosts,
    chance: Chance,
    down: Vec<String>,
    faults: u64,
}

impl Run<'_> {
    fn new(seed: u64) -> Self {
        let (hosts, mut chance) = (Hosts::new(), Chance(seed));
        // A slow network is near the bound by itself.
        let slowest = [80, 300, 700];
        let slowest = slowest[usize::try_from(chance.below(3)).unwrap()];
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(Duration::from_millis(slowest))
            .simulation_duration(Duration::from_hours(1))
            .build();
        hosts.join(&mut sim);
        Self { sim, hosts, chance, down: Vec::new(), faults: 0 }
    }

    /// How many revocations were acknowledged, and how many faults there were.
    fn run_out(mut self) -> (usize, u64) {
        while self.sim.elapsed() < FAULTS {
            if self.chance.below(40) == 0 {
                self.fault();
            }
            self.step();
        }
        self.mend();
        // Revocations keep coming: nodes are fresh again meanwhile, and have everything once there are no more.
        self.until(Hosts::are_fresh);
        self.hosts.stop_revoking();
        self.until(Hosts::have_everything);
        (self.hosts.acknowledged(), self.faults)
    }

    fn until(&mut self, is_so: fn(&Hosts) -> bool) {
        let begun = self.sim.elapsed();
        while !is_so(&self.hosts) {
            let since = self.sim.elapsed().saturating_sub(begun);
            assert!(since < WELL_WITHIN, "shut for {since:?}: {}", self.hosts.state());
            self.step();
        }
    }

    fn step(&mut self) {
        self.sim.step().unwrap();
        self.hosts.advance(TICK);
        self.hosts.check();
    }

    /// Something goes wrong, or is mended.
    fn fault(&mut self) {
        self.faults += 1;
        let node = format!("node-{}", self.chance.below(NODES as u64));
        match self.chance.below(10) {
            0 => self.sim.partition(node, "issuer"),
            1 => self.sim.partition_oneway(node, "issuer"),
            2 => self.sim.partition_oneway("issuer", node),
            3..=5 => self.sim.repair(node, "issuer"),
            6 => self.sim.hold(node, "issuer"),
            7 => self.sim.release(node, "issuer"),
            8 => self.crash_or_start(node),
            _ => self.crash_or_start("issuer".to_owned()),
        }
    }

    fn crash_or_start(&mut self, host: String) {
        if let Some(at) = self.down.iter().position(|down| *down == host) {
            self.down.remove(at);
            self.sim.bounce(host);
        } else {
            self.sim.crash(host.as_str());
            self.hosts.crashed(&host);
            self.down.push(host);
        }
    }

    fn mend(&mut self) {
        self.sim.set_max_message_latency(Duration::from_millis(80));
        for node in 0..NODES {
            let node = format!("node-{node}");
            self.sim.release(node.as_str(), "issuer");
            self.sim.repair(node.as_str(), "issuer");
        }
        for host in std::mem::take(&mut self.down) {
            self.sim.bounce(host);
        }
    }
}

/// splitmix64.
struct Chance(u64);

impl Chance {
    /// A number below `end`.
    const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }
}

/// The bound of every node's freshness; see [`Hosts::check`].
const _: () = assert!(BOUND.as_secs() == 2);
