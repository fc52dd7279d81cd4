//! Immutable sorted slices, one a shard, each replaced as a whole.
//!
//! Invariant: a reader sees a shard as it was before or after a change, never in between, and never waits for it.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use hallpass_token::Fingerprint;

use crate::Entry;

use super::search::{first_not_below, tag};

/// What a shard holds: a key and perhaps a value.
pub(super) trait Slot: Copy {
    /// The fingerprint as a number.
    fn key(&self) -> u128;
    /// The strictest of two with the same key.
    fn strictest(self, other: Self) -> Self;
}

/// A fingerprint whose presence is the answer.
#[derive(Clone, Copy)]
pub(super) struct Exact(u128);

impl Exact {
    pub(super) const fn of(fingerprint: Fingerprint) -> Self {
        Self(fingerprint.as_u128())
    }
}

impl Slot for Exact {
    fn key(&self) -> u128 {
        self.0
    }

    fn strictest(self, _: Self) -> Self {
        self
    }
}

/// A subject or service with its cut-off in microseconds.
#[derive(Clone, Copy)]
pub(super) struct Cutoff {
    key: u128,
    pub(super) issued_before: u64,
}

impl Cutoff {
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let issued_before = entry.issued_before?.as_micros();
        Some(Self { key: entry.fingerprint.as_u128(), issued_before })
    }
}

impl Slot for Cutoff {
    fn key(&self) -> u128 {
        self.key
    }

    fn strictest(self, other: Self) -> Self {
        Self { issued_before: self.issued_before.max(other.issued_before), ..self }
    }
}

/// A map from fingerprints, split by their first bits.
pub(super) struct Shards<T> {
    bits: u32,
    table: Box<[ArcSwapOption<Shard<T>>]>,
    writer: Mutex<()>,
}

/// Sorted by key; `tags` are the keys' first bits after those that the shard's keys share.
struct Shard<T> {
    tags: Box<[u16]>,
    slots: Box<[T]>,
}

impl<T: Slot> Shards<T> {
    /// 2 to the power of `bits` empty shards.
    pub(super) fn new(bits: u32) -> Self {
        let table = (0..1_usize << bits).map(|_| ArcSwapOption::empty()).collect();
        Self { bits, table, writer: Mutex::new(()) }
    }

    /// The slot with this key.
    pub(super) fn get(&self, key: u128) -> Option<T> {
        let shard = self.table[self.shard_of(key)].load();
        shard.as_ref()?.get(key, self.bits)
    }

    /// Adds slots, shard by shard.
    pub(super) fn insert(&self, mut new: Vec<T>) {
        new.sort_unstable_by_key(Slot::key);
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for run in new.chunk_by(|one, two| self.shard_of(one.key()) == self.shard_of(two.key())) {
            let place = &self.table[self.shard_of(run[0].key())];
            let merged = merge(place.load().as_ref().map_or(&[], |shard| &shard.slots), run);
            place.store(Shard::of(merged, self.bits));
        }
    }

    /// Drops the slots with these keys, shard by shard.
    pub(super) fn remove(&self, mut keys: Vec<u128>) {
        keys.sort_unstable();
        let _writing = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for run in keys.chunk_by(|one, two| self.shard_of(*one) == self.shard_of(*two)) {
            let place = &self.table[self.shard_of(run[0])];
            let Some(shard) = place.load_full() else { continue };
            let stays = |slot: &&T| run.binary_search(&slot.key()).is_err();
            place.store(Shard::of(shard.slots.iter().filter(stays).copied().collect(), self.bits));
        }
    }

    /// How many slots there are.
    pub(super) fn count(&self) -> u64 {
        self.table
            .iter()
            .map(|shard| shard.load().as_ref().map_or(0, |s| s.slots.len() as u64))
            .sum()
    }

    fn shard_of(&self, key: u128) -> usize {
        usize::try_from(key >> (u128::BITS - self.bits)).unwrap_or_default()
    }
}

impl<T: Slot> Shard<T> {
    /// `None` where there is nothing in it.
    fn of(slots: Vec<T>, bits: u32) -> Option<Arc<Self>> {
        let tags = slots.iter().map(|slot| tag(slot.key(), bits)).collect();
        (!slots.is_empty()).then(|| Arc::new(Self { tags, slots: slots.into_boxed_slice() }))
    }

    fn get(&self, key: u128, bits: u32) -> Option<T> {
        let tag = tag(key, bits);
        let first = first_not_below(&self.tags, tag);
        if self.tags.get(first) != Some(&tag) {
            return None;
        }
        let same = self.tags[first..].partition_point(|each| *each == tag);
        let slots = &self.slots[first..first + same];
        slots.binary_search_by_key(&key, Slot::key).ok().map(|at| slots[at])
    }
}

/// Two sorted runs as one, of equal keys the strictest.
fn merge<T: Slot>(old: &[T], new: &[T]) -> Vec<T> {
    let mut all = Vec::with_capacity(old.len() + new.len());
    all.extend_from_slice(old);
    all.extend_from_slice(new);
    all.sort_by_key(Slot::key);
    all.dedup_by(|later, kept| {
        let same = later.key() == kept.key();
        if same {
            *kept = kept.strictest(*later);
        }
        same
    });
    all
}
