//! Whose a call is, for the limits that are shared: the root of its token's chain, and the user at that root.
//!
//! Invariant: two tokens of one chain, or of one user, have the same counters for as long as either is known or has a call
//! under way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use hallpass_token::{Fingerprint, Verified};

/// How many pools of slots there are.
pub(super) const POOLS: usize = 4;

/// What is taken of each pool of slots; and how many bytes of tokens were remembered since they were last forgotten.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) slots: [AtomicUsize; POOLS],
    pub(super) cached: AtomicU64,
}

/// Whose a token is.
#[derive(Debug, Default)]
pub(super) struct Holder {
    /// What the token's root and all its descendants have taken.
    pub(super) root: Arc<Counters>,
    /// If it is an agent's: what all agents of that root have taken, which is less than all that the root may have.
    pub(super) agents: Option<Arc<Counters>>,
    /// What its user has taken; for a token without a user its job's owner, its job, or its service.
    pub(super) user: Arc<Counters>,
}

/// The counters of everybody who is known at the moment.
#[derive(Debug, Default)]
pub(super) struct Holders(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    counters: HashMap<Fingerprint, Weak<Counters>>,
    /// At how many the forgotten ones are removed.
    sweep_at: usize,
}

impl Holder {
    /// Whether what the one takes the other cannot have: they are of one root, and both its agents' or both not.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.root, &other.root) && self.agents.is_some() == other.agents.is_some()
    }
}

impl Holders {
    /// Whose this token is. Asked when a token is verified, not at each call.
    pub(super) fn of(&self, token: &Verified) -> Arc<Holder> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let root = token.root();
        let agents = token.agent().is_some().then(|| known.counters(root.agents()));
        let (root, user) = (known.counters(root), known.counters(token.user()));
        drop(known);
        Arc::new(Holder { root, agents, user })
    }
}

impl Known {
    fn counters(&mut self, of: Fingerprint) -> Arc<Counters> {
        if let Some(known) = self.counters.get(&of).and_then(Weak::upgrade) {
            return known;
        }
        if self.counters.len() >= self.sweep_at {
            self.counters.retain(|_, counters| counters.strong_count() > 0);
            self.sweep_at = (self.counters.len() * 2).max(1024);
        }
        let new = Arc::new(Counters::default());
        self.counters.insert(of, Arc::downgrade(&new));
        new
    }
}
