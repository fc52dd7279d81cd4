//! The follower: the real logic, with a store that forgets on restart what it had not synced.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hallpass_revocation::feed::{Batch, Effect, Follower, Position, Timing};
use hallpass_revocation::{Entry, Freshness, SweepClock};
use hallpass_token::{Fingerprint, SKEW, UnixTime};

use crate::chance::Chance;
use crate::link::{Link, Response};

/// How many millionths a clock may be too fast or too slow.
pub(crate) const DRIFT: u64 = 500;
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(2);

pub(crate) struct Node {
    logic: Follower,
    freshness: Freshness,
    durable: HashMap<Fingerprint, Entry>,
    /// What it has dropped because it had ended, by its own clock.
    dropped: HashMap<Fingerprint, Entry>,
    position: Option<Position>,
    /// Batches being made durable, with the instant at which each will be.
    applying: VecDeque<(u64, Batch)>,
    pub(crate) connected: bool,
    /// What its boot clock showed when the run began, and by how many millionths that clock is too fast.
    booted: Duration,
    drift: i64,
    /// By how much its wall clock is wrong, in seconds.
    wrong_by: i64,
    trusted: SweepClock,
    /// Until then it does nothing, though its clock goes on.
    asleep_until: u64,
}

impl Node {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let booted = Duration::from_millis(chance.below(1 << 40));
        let freshness = Freshness::follower(MAX_STALENESS);
        Self {
            logic: Follower::new(Timing::within(MAX_STALENESS), freshness.clone(), None),
            freshness,
            durable: HashMap::new(),
            dropped: HashMap::new(),
            position: None,
            applying: VecDeque::new(),
            connected: false,
            booted,
            drift: chance.within(DRIFT),
            wrong_by: 0,
            trusted: SweepClock::started(wall(0, 0), booted),
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
        let micros = now * 1_000;
        let drifted = i64::try_from(now).unwrap_or_default() * self.drift / 1_000;
        self.booted + Duration::from_micros(micros.saturating_add_signed(drifted))
    }

    /// Somebody sets its wall clock, wrongly; again and again, and by little or by much.
    pub(crate) fn set_clock(&mut self, chance: &mut Chance) {
        let by = if chance.one_in(3) { 20_000 } else { 40 };
        self.wrong_by += chance.within(by);
    }

    /// Drops what has ended, and returns what of it should have stayed.
    pub(crate) fn sweep(&mut self, now: u64) -> Option<Entry> {
        let told = wall(now, self.wrong_by);
        if !self.trusted.trusts(told, self.boot(now)) {
            return None;
        }
        let over = |entry: &Entry| entry.until.is_some_and(|until| until <= told);
        let ended: Vec<Entry> =
            self.durable.extract_if(|_, entry| over(entry)).map(|(_, e)| e).collect();
        self.dropped.extend(ended.iter().map(|entry| (entry.fingerprint, *entry)));
        let alive =
            |entry: &&Entry| entry.until.is_some_and(|until| until > wall(now, 0).plus(SKEW));
        ended.iter().find(alive).copied()
    }

    /// Loses what was not durable, and its freshness.
    pub(crate) fn restart(&mut self, now: u64) {
        // A node that is started has the right time.
        self.wrong_by = 0;
        self.trusted = SweepClock::started(wall(now, 0), self.boot(now));
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
        let print = &entry.fingerprint;
        self.durable.contains_key(print) || self.dropped.contains_key(print)
    }

    /// Makes durable what is due.
    pub(crate) fn settle(&mut self, now: u64) {
        while let Some((_, batch)) = self.applying.pop_front_if(|(at, _)| *at <= now) {
            self.durable.extend(batch.entries.iter().map(|entry| (entry.fingerprint, *entry)));
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

/// The wall time at a moment of the run, by a clock that is wrong by so many seconds.
pub(crate) fn wall(now: u64, wrong_by: i64) -> UnixTime {
    UnixTime::from_secs((1_700_000_000 + now / 1_000).saturating_add_signed(wrong_by))
}
