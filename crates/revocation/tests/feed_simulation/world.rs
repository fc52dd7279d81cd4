//! One run: faults for a while, then calm, with the invariants checked at every step.

use std::time::Duration;

use hallpass_token::SKEW;

use crate::chance::Chance;
use crate::follower::{DRIFT, MAX_STALENESS, Node, wall};
use crate::issuer::Issuer;
use crate::link::Link;

/// When the faults end, when the follower must be fresh again, and when the run ends: in milliseconds.
const HEALED: u64 = 20_000;
const RECOVERED: u64 = 27_000;
const END: u64 = 31_000;

pub(crate) struct World {
    chance: Chance,
    now: u64,
    partitioned: bool,
    reconnect_at: u64,
    link: Link,
    issuer: Issuer,
    node: Node,
    /// Of the acknowledged, how many the follower is known to hold for good.
    checked: usize,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let node = Node::new(&mut chance);
        Self {
            chance,
            now: 0,
            partitioned: false,
            reconnect_at: 0,
            link: Link::default(),
            issuer: Issuer::new(),
            node,
            checked: 0,
        }
    }

    /// Returns the share of the troubled time in which the follower was fresh, or what was broken.
    pub(crate) fn run(mut self) -> Result<f64, String> {
        let (mut steps, mut fresh) = (0_u32, 0_u32);
        while self.now < END {
            self.now += 1 + self.chance.below(9);
            if self.calm() {
                self.partitioned = false;
            } else {
                self.trouble();
                steps += 1;
                fresh += u32::from(self.node.is_fresh(self.now));
            }
            self.check()?;
            self.step();
            self.sweep()?;
            self.check()?;
        }
        Ok(f64::from(fresh) / f64::from(steps))
    }

    fn calm(&self) -> bool {
        self.now >= HEALED
    }

    fn trouble(&mut self) {
        if self.chance.one_in(if self.partitioned { 200 } else { 600 }) {
            self.partitioned = !self.partitioned;
        }
        if self.chance.one_in(1_500) {
            self.node.restart(self.now);
            self.cut();
        }
        if self.chance.one_in(1_500) {
            self.issuer.restart();
            self.cut();
        }
        if self.chance.one_in(4_000) {
            self.issuer.restart_with_another_store(&mut self.chance);
            self.cut();
        }
        if self.chance.one_in(1_000) {
            self.cut();
        }
        if self.chance.one_in(1_500) {
            self.node.sleep(self.now + self.chance.below(5_000));
        }
        if self.chance.one_in(500) {
            self.node.set_clock(&mut self.chance);
        }
    }

    fn step(&mut self) {
        let (now, calm) = (self.now, self.calm());
        let Self { chance, link, issuer, node, .. } = self;
        if chance.one_in(20) {
            // The token ends within a minute; its entry is kept for twice the skew after that.
            let end = wall(now, 0).plus(Duration::from_secs(chance.below(60)));
            issuer.revoke(now + chance.delay(calm), end.plus(2 * SKEW));
        }
        issuer.settle(now);
        let awake = node.is_awake(now);
        if !self.partitioned {
            issuer.serve(link, now, chance, calm);
            if awake {
                node.receive(link, now, chance, calm);
            }
        }
        if awake {
            node.settle(now);
            node.tick(link, now, chance, calm);
        }
        if awake && !node.connected {
            self.reconnect();
        }
    }

    fn sweep(&mut self) -> Result<(), String> {
        if !self.chance.one_in(100) || !self.node.is_awake(self.now) {
            return Ok(());
        }
        let now = self.now;
        self.node.sweep(now).map_or(Ok(()), |entry| {
            Err(format!(
                "dropped at {now} ms, {}, what is needed until {:?}",
                wall(now, 0),
                entry.until
            ))
        })
    }

    fn reconnect(&mut self) {
        if self.reconnect_at <= self.now {
            // The first time: wait a little. The second: connect, if the network lets it.
            if self.reconnect_at == 0 {
                self.reconnect_at = self.now + 20 + self.chance.below(200);
            } else if !self.partitioned {
                self.reconnect_at = 0;
                self.link = Link::default();
                self.issuer.connect();
                let calm = self.calm();
                self.node.connect(&mut self.link, self.now, &mut self.chance, calm);
            }
        }
    }

    /// The connection is lost with all that was under way.
    fn cut(&mut self) {
        self.node.disconnect();
        self.link = Link::default();
    }

    fn check(&mut self) -> Result<(), String> {
        let now = self.now;
        // By a clock that is too slow the bound is a little longer.
        let bound =
            MAX_STALENESS + MAX_STALENESS * u32::try_from(DRIFT).unwrap_or_default() / 900_000;
        let bound = u64::try_from(bound.as_millis()).unwrap_or_default() + 1;
        let fresh = self.node.is_fresh(now);
        if now >= RECOVERED && !fresh {
            return Err(format!("still stale at {now} ms, {} ms after healing", now - HEALED));
        }
        // What the follower holds durably it never loses, so each entry is looked for until it is there.
        while let Some((acknowledged, entry)) = self.issuer.acknowledged.get(self.checked) {
            if self.node.knows(entry) {
                self.checked += 1;
            } else if fresh && acknowledged + bound <= now {
                return Err(format!(
                    "fresh at {now} ms without what was acknowledged at {acknowledged}"
                ));
            } else {
                break;
            }
        }
        Ok(())
    }
}
