//! The feed's logic, without I/O and without a clock: what an issuer sends, what a follower does with it, when it is fresh.
//!
//! Invariant: a follower counts as fresh only from its own sending of a probe that was answered with a sequence which it has
//! applied and made durable. So a delay, a lost connection or a stalled stream can only make it stale, never wrong.
//!
//! The messages are those of `hallpass/auth/v1/revocations.proto`; a driver maps them and does what the effects say.

mod follower;
mod publisher;

pub use follower::{Effect, Follower, Timing};
pub use publisher::{Publisher, Step};

use crate::Entry;

/// How many entries a batch should carry: as many as a follower makes durable with one sync.
pub const PAGE: usize = 256;

/// How far a follower has come in one store of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The store; never zero.
    pub epoch: u64,
    /// The last sequence that was applied and made durable.
    pub sequence: u64,
}

/// A run of entries in the order of their sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The store that they come from.
    pub epoch: u64,
    /// Part of a snapshot: `sequence` counts only once `last` is set.
    pub snapshot: bool,
    /// The last batch of a snapshot.
    pub last: bool,
    /// The sequence of the list once these are applied.
    pub sequence: u64,
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Batch {
    /// The position that a follower has reached once it has applied the batch; `None` within a snapshot.
    pub const fn reaches(&self) -> Option<Position> {
        if self.snapshot && !self.last {
            return None;
        }
        Some(Position { epoch: self.epoch, sequence: self.sequence })
    }
}

/// What a follower sends: its position, and a number to tell which probe was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The follower's own number, returned as it is.
    pub number: u64,
    /// Where the follower stands; `None` if it has nothing yet.
    pub position: Option<Position>,
}

/// What an issuer answers a probe with, after every entry that it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The probe's number.
    pub probe: u64,
    /// The store that answers.
    pub epoch: u64,
    /// The last sequence that was acknowledged to anyone when the probe was read.
    pub sequence: u64,
}
