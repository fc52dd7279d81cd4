//! The list in memory, on the path of every call.
//!
//! Invariant: a look-up never waits for a writer, and one that starts after an insert has returned finds what it inserted.

mod marks;
mod search;
mod shards;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use hallpass_token::{Chain, Fingerprint, UnixTime, Verified};

use crate::Entry;
use marks::Marks;
use shards::{Cutoff, Exact, Shards};

/// 65,536 shards: at ten million entries one has 153, a few cache lines to search.
const EXACT_BITS: u32 = 16;
/// Cut-offs are rare: of subjects and services, not of tokens.
const CUTOFF_BITS: u32 = 10;

/// Everything revoked, by fingerprint.
pub struct Index {
    exact: Shards<Exact>,
    cutoffs: Shards<Cutoff>,
    /// Whatever was issued before this second is refused; zero cuts off nothing.
    everything_before: AtomicU64,
    marks: Marks,
    generation: AtomicU64,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Exact entries.
    pub exact: u64,
    /// Cut-offs.
    pub cutoffs: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            exact: Shards::new(EXACT_BITS),
            cutoffs: Shards::new(CUTOFF_BITS),
            everything_before: AtomicU64::new(0),
            marks: Marks::default(),
            generation: AtomicU64::new(0),
        }
    }
}

impl Index {
    /// Whether the token, an ancestor, its session or a key of its chain is revoked, or its subject, service or all there is cut off.
    pub fn is_revoked(&self, verified: &Verified) -> bool {
        self.revokes(verified.lookups(), verified.cutoffs(), verified.root_issued_at())
    }

    /// The same of a token that is not at hand any more.
    pub fn is_chain_revoked(&self, chain: &Chain) -> bool {
        self.revokes(&chain.lookups, &chain.cutoffs, chain.root_issued_at)
    }

    fn revokes(
        &self,
        lookups: &[Fingerprint],
        cutoffs: &[Fingerprint],
        root_issued_at: UnixTime,
    ) -> bool {
        lookups.iter().any(|print| self.contains(*print))
            || self.is_cut_off(cutoffs, root_issued_at)
            || root_issued_at.as_secs() < self.everything_before.load(Ordering::Acquire)
    }

    /// Whether exactly this is revoked.
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.exact.get(fingerprint.as_u128()).is_some()
    }

    /// The cut-off of a subject or service: what was issued at or before it is refused.
    pub fn cutoff(&self, fingerprint: Fingerprint) -> Option<UnixTime> {
        let found = self.cutoffs.get(fingerprint.as_u128())?;
        Some(UnixTime::from_micros(found.issued_before))
    }

    /// Up to when entries may have been dropped: by an earlier time no token may be judged, whatever the wall clock says.
    pub fn forgotten_upto(&self) -> UnixTime {
        self.marks.upto()
    }

    /// The newest cut-off of everything; zero where there is none.
    pub(crate) fn everything_upto(&self) -> UnixTime {
        UnixTime::from_secs(self.everything_before.load(Ordering::Acquire).saturating_sub(1))
    }

    /// From when on a token of the same holder is not refused by a cut-off that refuses this one.
    pub fn cut_off_until(&self, verified: &Verified) -> Option<UnixTime> {
        let root_issued_at = verified.root_issued_at();
        let cutoffs = verified.cutoffs().iter().filter_map(|print| self.cutoff(*print));
        cutoffs.filter(|before| root_issued_at <= *before).max()
    }

    /// Changes after every change of the index. What is cached with the generation read BEFORE its look-up is valid for as long
    /// as the generation is the same.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Adds entries; of two for the same thing the strictest counts. The list does so once they are durable; others only to
    /// test or to measure.
    pub fn insert(&self, entries: &[Entry]) {
        self.marks.learn(entries);
        let entries = entries.iter().filter(|entry| entry.as_forgotten().is_none());
        let (cutoffs, exact): (Vec<&Entry>, Vec<&Entry>) =
            entries.partition(|entry| entry.issued_before.is_some());
        self.exact.insert(exact.into_iter().map(|entry| Exact::of(entry.fingerprint)).collect());
        for before in cutoffs.iter().filter(|cutoff| cutoff.is_everything()) {
            let end = before.issued_before.map_or(0, |at| at.as_secs().saturating_add(1));
            self.everything_before.fetch_max(end, Ordering::AcqRel);
        }
        self.cutoffs.insert(cutoffs.into_iter().filter_map(Cutoff::of).collect());
        self.changed();
    }

    /// How much there is. Counts entry by shard, so it is for metrics, not for calls.
    pub fn usage(&self) -> Usage {
        Usage { exact: self.exact.count(), cutoffs: self.cutoffs.count() }
    }

    /// Drops entries whose time is over.
    pub(crate) fn remove(&self, entries: &[Entry]) {
        let keys = |cutoff: bool| {
            let of_kind = entries.iter().filter(|entry| entry.issued_before.is_some() == cutoff);
            of_kind.map(|entry| entry.fingerprint.as_u128()).collect()
        };
        self.exact.remove(keys(false));
        self.cutoffs.remove(keys(true));
        self.changed();
    }

    fn is_cut_off(&self, prints: &[Fingerprint], root_issued_at: UnixTime) -> bool {
        prints
            .iter()
            .filter_map(|print| self.cutoff(*print))
            .any(|issued_before| root_issued_at.as_micros() <= issued_before.as_micros())
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("generation", &self.generation()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
