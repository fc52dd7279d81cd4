//! The follower: the real logic, with a store that forgets on restart what it had not synced.

use std::collections::VecDeque;
use std::time::Duration;

use hallpass_revocation::feed::{Batch, Effect, Follower, Position, Timing};
use hallpass_revocation::{Entry, Freshness};
use hallpass_token::Fingerprint;
use std::collections::HashSet;

use crate::chance::Chance;
use crate::link::{Link, Response};

pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(2);

pub(crate) struct Node {
    logic: Follower,
    freshness: Freshness,
    durable: HashSet<Fingerprint>,
    position: Option<Position>,
    /// Batches being made durable, with the instant at which each will be.
    applying: VecDeque<(u64, Batch)>,
    pub(crate) connected: bool,
    /// What its boot clock showed when the run began.
    booted: Duration,
    /// Until then it does nothing, though its clock goes on.
    asleep_until: u64,
}

impl Node {
    pub(crate) fn new(booted: Duration) -> Self {
        let freshness = Freshness::follower(MAX_STALENESS);
        Self {
            logic: Follower::new(Timing::within(MAX_STALENESS), freshness.clone(), None),
            freshness,
            durable: HashSet::new(),
            position: None,
            applying: VecDeque::new(),
            connected: false,
            booted,
            asleep_until: 0,
        }
    }

    /// The machine sleeps, or the process is stopped.
    pub(crate) fn sleep(&mut self, until: u64) {
        self.asleep_until = until;
    }

    pub(crate) const fn is_awake(&self, now: u64) -> bool {
        now >= self.asleep_until
    }

    fn boot(&self, now: u64) -> Duration {
        self.booted + Duration::from_millis(now)
    }

    /// Loses what was not durable, and its freshness.
    pub(crate) fn restart(&mut self) {
        self.freshness = Freshness::follower(MAX_STALENESS);
        let timing = Timing::within(MAX_STALENESS);
        self.logic = Follower::new(timing, self.freshness.clone(), self.position);
        self.applying.clear();
        self.connected = false;
    }

    pub(crate) fn disconnect(&mut self) {
        self.logic.disconnected();
        self.connected = false;
    }

    pub(crate) fn connect(&mut self, link: &mut Link, now: u64, chance: &mut Chance, calm: bool) {
        self.connected = true;
        let effects = self.logic.connected(self.boot(now));
        self.act(effects, link, now, chance, calm);
    }

    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        self.freshness.is_fresh(self.boot(now))
    }

    pub(crate) fn knows(&self, entry: &Entry) -> bool {
        self.durable.contains(&entry.fingerprint)
    }

    /// Makes durable what is due.
    pub(crate) fn settle(&mut self, now: u64) {
        while let Some((_, batch)) = self.applying.pop_front_if(|(at, _)| *at <= now) {
            self.durable.extend(batch.entries.iter().map(|entry| entry.fingerprint));
            self.position = batch.reaches().or(self.position);
            self.logic.applied(batch.reaches(), self.boot(now));
        }
    }

    pub(crate) fn receive(&mut self, link: &mut Link, now: u64, chance: &mut Chance, calm: bool) {
        while self.connected {
            let Some(response) = link.down.receive(now) else { break };
            let effects = match response {
                Response::Batch(batch) => self.logic.received(batch, self.boot(now)),
                Response::Answer(answer) => self.logic.answered(answer, self.boot(now)),
            };
            self.act(effects, link, now, chance, calm);
        }
    }

    pub(crate) fn tick(&mut self, link: &mut Link, now: u64, chance: &mut Chance, calm: bool) {
        let effects = self.logic.tick(self.boot(now));
        self.act(effects, link, now, chance, calm);
    }

    fn act(
        &mut self,
        effects: Vec<Effect>,
        link: &mut Link,
        now: u64,
        chance: &mut Chance,
        calm: bool,
    ) {
        for effect in effects {
            match effect {
                Effect::Probe(probe) => link.up.send(probe, now + chance.delay(calm)),
                Effect::Reconnect(_) => self.connected = false,
                Effect::Apply(batch) => {
                    let behind = self.applying.back().map_or(0, |(at, _)| *at);
                    self.applying.push_back((behind.max(now + chance.delay(calm)), batch));
                }
            }
        }
    }
}
