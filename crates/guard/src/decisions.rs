//! Numbers the decisions of one process, so that an answer, a log line and a trace can be brought together.

use std::sync::atomic::{AtomicU64, Ordering};

use hallpass_policy::DecisionId;

/// Gives out the ids of decisions.
#[derive(Debug)]
pub struct Decisions {
    node: u64,
    count: AtomicU64,
}

impl Decisions {
    /// Counts from one; `node` is a random number that tells this process from others.
    pub const fn new(node: u64) -> Self {
        Self { node, count: AtomicU64::new(0) }
    }

    /// The id of the next decision.
    pub fn next(&self) -> DecisionId {
        DecisionId::new(self.node, self.count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// How many there have been.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
