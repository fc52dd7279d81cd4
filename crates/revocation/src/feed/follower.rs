//! What a follower does with its issuer's feed, and when it is fresh.
//!
//! Invariant: `Freshness` moves only to the instant at which a probe was sent on the present connection that has been answered
//! with a sequence which is applied.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Freshness;

use super::{Answer, Batch, Position, Probe};

/// How many probes may be under way.
const UNDER_WAY: usize = 64;

/// How often a follower asks and when it gives a connection up, on the boot clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From one probe to the next.
    pub probe_every: Duration,
    /// A connection on which nothing comes for this long is given up.
    pub silent_for: Duration,
}

impl Timing {
    /// What suits a bound: eight probes in it, and half of it for a new connection.
    pub fn within(max_staleness: Duration) -> Self {
        Self { probe_every: max_staleness / 8, silent_for: max_staleness / 2 }
    }
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send this probe.
    Probe(Probe),
    /// Apply this batch durably, one after the other, then call [`Follower::applied`].
    Apply(Batch),
    /// Give this connection up and make a new one. The reason is for the log.
    Reconnect(&'static str),
}

/// One follower's state, kept across connections. Times are of the boot clock.
#[derive(Debug)]
pub struct Follower {
    timing: Timing,
    freshness: Freshness,
    position: Option<Position>,
    next_probe: u64,
    link: Option<Link>,
}

/// One connection.
#[derive(Debug)]
struct Link {
    /// Where the stream itself stands; ahead of what is applied. `None` until a snapshot is complete.
    stream: Option<Position>,
    /// The store that a snapshot under way is of.
    snapshot_of: Option<u64>,
    /// Probes without an answer: number and instant of sending.
    sent: VecDeque<(u64, Duration)>,
    /// Answers that wait for their entries to be applied: what they need, and the instant that they then prove.
    held: VecDeque<(Position, Duration)>,
    applying: usize,
    /// A first answer has come: from then on entries alone are no sign that probes arrive.
    answered: bool,
    probed_at: Duration,
    heard_at: Duration,
}

impl Follower {
    /// A follower whose durable list stands at `position`.
    pub const fn new(timing: Timing, freshness: Freshness, position: Option<Position>) -> Self {
        Self { timing, freshness, position, next_probe: 1, link: None }
    }

    /// Where the durable list stands.
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// A connection was made: says where the follower stands.
    pub fn connected(&mut self, now: Duration) -> Vec<Effect> {
        self.link = Some(Link {
            stream: self.position,
            snapshot_of: None,
            sent: VecDeque::new(),
            held: VecDeque::new(),
            applying: 0,
            answered: false,
            probed_at: now,
            heard_at: now,
        });
        self.probe(now)
    }

    /// The connection was lost. A batch that is being applied may still be reported.
    pub fn disconnected(&mut self) {
        self.link = None;
    }

    /// Time has gone on: call it a few times in each `probe_every`.
    pub fn tick(&mut self, now: Duration) -> Vec<Effect> {
        let Some(link) = &self.link else { return Vec::new() };
        if link.applying == 0 && now.saturating_sub(link.heard_at) >= self.timing.silent_for {
            return self.give_up("the issuer is silent");
        }
        if link.applying == 0 && link.is_unanswered(now, self.timing.silent_for * 2) {
            return self.give_up("the issuer answers no probe");
        }
        if now.saturating_sub(link.probed_at) < self.timing.probe_every {
            return Vec::new();
        }
        self.probe(now)
    }

    /// A batch came.
    pub fn received(&mut self, batch: Batch, now: Duration) -> Vec<Effect> {
        let Some(link) = &mut self.link else { return Vec::new() };
        link.heard_at = now;
        if let Err(reason) = link.accept(&batch) {
            return self.give_up(reason);
        }
        link.applying += 1;
        vec![Effect::Apply(batch)]
    }

    /// A batch is durable and in the index. `reached` is its [`Batch::reaches`].
    pub fn applied(&mut self, reached: Option<Position>, now: Duration) {
        self.position = reached.or(self.position);
        if let Some(link) = &mut self.link {
            link.applying = link.applying.saturating_sub(1);
            link.heard_at = now;
        }
        self.prove();
    }

    /// An answer came.
    pub fn answered(&mut self, answer: Answer, now: Duration) -> Vec<Effect> {
        let Some(link) = &mut self.link else { return Vec::new() };
        link.heard_at = now;
        let Some(stream) = link.stream.filter(|at| at.epoch == answer.epoch) else {
            return self.give_up("the answer is of another store");
        };
        if stream.sequence < answer.sequence {
            return self.give_up("the answer came before its entries");
        }
        // An answer stands for the older probes, too. One to a probe that was not sent on this connection proves nothing.
        let Some(at) = link.sent.iter().position(|(number, _)| *number == answer.probe) else {
            return self.give_up("the answer is to no probe of this connection");
        };
        let proves = link.sent[at].1;
        link.sent.drain(..=at);
        link.answered = true;
        let needs = Position { epoch: answer.epoch, sequence: answer.sequence };
        link.held.push_back((needs, proves));
        self.prove();
        Vec::new()
    }

    /// Takes the answers whose entries are applied.
    fn prove(&mut self) {
        let (Some(link), Some(at)) = (&mut self.link, self.position) else { return };
        while let Some((needs, proves)) = link.held.front() {
            if needs.epoch != at.epoch || needs.sequence > at.sequence {
                return;
            }
            self.freshness.proven_at(*proves);
            link.held.pop_front();
        }
    }

    fn probe(&mut self, now: Duration) -> Vec<Effect> {
        let Some(link) = &mut self.link else { return Vec::new() };
        if link.sent.len() >= UNDER_WAY {
            return Vec::new();
        }
        let number = self.next_probe;
        self.next_probe += 1;
        link.sent.push_back((number, now));
        link.probed_at = now;
        vec![Effect::Probe(Probe { number, position: self.position })]
    }

    fn give_up(&mut self, reason: &'static str) -> Vec<Effect> {
        self.link = None;
        vec![Effect::Reconnect(reason)]
    }
}

impl Link {
    /// Whether a probe has had no answer for so long, though one has come before.
    fn is_unanswered(&self, now: Duration, long: Duration) -> bool {
        let oldest = self.sent.front().filter(|_| self.answered);
        oldest.is_some_and(|(_, sent)| now.saturating_sub(*sent) >= long)
    }

    /// Moves the stream on, or says why the batch does not fit it: a position must never count that was not reached.
    fn accept(&mut self, batch: &Batch) -> Result<(), &'static str> {
        if batch.epoch == 0 {
            return Err("the batch is of no store");
        }
        if batch.snapshot {
            if self.snapshot_of.is_some_and(|epoch| epoch != batch.epoch) {
                return Err("the snapshot changed its store");
            }
            self.snapshot_of = (!batch.last).then_some(batch.epoch);
            self.stream = batch.reaches();
            return Ok(());
        }
        let fits = |at: Position| at.epoch == batch.epoch && at.sequence <= batch.sequence;
        if self.snapshot_of.is_some() || !self.stream.is_some_and(fits) {
            return Err("the batch does not follow what came before");
        }
        self.stream = batch.reaches();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
