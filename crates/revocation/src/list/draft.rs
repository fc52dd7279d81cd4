//! The changes that one sync will carry, gathered before anything is written.
//!
//! Invariant: of two entries for the same thing the strictest is kept, and an entry that the feed may already have shown under
//! its sequence stays readable under it until the one that replaces it is durable.

use std::collections::HashMap;

use hallpass_token::UnixTime;

use crate::feed::Position;
use crate::{Entry, Forgotten, Note};

use super::codec::{self, Key, META_LOST, META_POSITION, META_SEQUENCE, Stored};
use super::error::StoreError;
use super::store::{Ended, Store};

/// Changes not yet written.
pub(super) struct Draft<'a> {
    store: &'a Store,
    batch: sled::Batch,
    changed: bool,
    latest: HashMap<Key, Option<Stored>>,
    ended: Vec<Entry>,
    sequence: u64,
    position: Option<Position>,
    superseded: Vec<u64>,
}

/// What a written draft means for the index and the next draft.
pub(super) struct Outcome {
    pub(super) added: Vec<Entry>,
    pub(super) ended: Vec<Entry>,
    pub(super) sequence: u64,
    pub(super) position: Option<Position>,
    pub(super) superseded: Vec<u64>,
}

impl<'a> Draft<'a> {
    /// A draft after `sequence`. It also drops the places in the order that an earlier one has superseded.
    pub(super) fn new(store: &'a Store, sequence: u64, superseded: &[u64]) -> Self {
        let mut batch = sled::Batch::default();
        for old in superseded {
            batch.remove(&codec::sequence_key(*old));
            batch.remove(&codec::superseded_key(*old));
        }
        Self {
            store,
            batch,
            changed: false,
            latest: HashMap::new(),
            ended: Vec::new(),
            sequence,
            position: None,
            superseded: Vec::new(),
        }
    }

    /// Adds an entry, or makes the one that is there stricter. Returns the sequence under which it stands.
    pub(super) fn add(&mut self, entry: Entry, note: Option<Note>) -> Result<u64, StoreError> {
        let key = Key::of(&entry);
        let old = self.current(key)?;
        let merged = old.as_ref().map_or(entry, |old| old.entry.strictest(entry));
        if let Some(old) = &old {
            if old.entry == merged {
                return Ok(old.sequence);
            }
            self.superseded.push(old.sequence);
            self.batch.insert(&codec::superseded_key(old.sequence), &[]);
            self.remove_end(&old.entry);
        }
        self.sequence += 1;
        let note = note.or_else(|| old.and_then(|old| old.note));
        self.put(key, Stored { sequence: self.sequence, entry: merged, note });
        Ok(self.sequence)
    }

    /// Drops up to `limit` entries whose time is over, and marks up to when: both are one change. Returns how many. `since` is the
    /// cut-off of everything in force.
    pub(super) fn sweep(
        &mut self,
        now: UnixTime,
        limit: usize,
        since: UnixTime,
    ) -> Result<u64, StoreError> {
        let (mut dropped, mut upto) = (0, None);
        for Ended { key, record } in self.store.ended(now, limit)? {
            self.batch.remove(record);
            self.changed = true;
            dropped += 1;
            let over = |old: &Stored| old.entry.until.is_some_and(|until| until <= now);
            if let Some(old) = self.current(key)?.filter(over) {
                upto = upto.max(old.entry.until);
                self.drop_entry(key, &old);
            }
        }
        if let Some(upto) = upto {
            self.forget(Forgotten { upto, since }, now)?;
        }
        Ok(dropped)
    }

    /// Marks up to when something may have been forgotten.
    pub(super) fn forget(&mut self, mark: Forgotten, now: UnixTime) -> Result<(), StoreError> {
        // With a note, as whatever begins here: what comes from an issuer has none.
        let note = Note { reason: String::new(), by: "sweep".to_owned(), at: now };
        self.add(Entry::forgotten(mark), Some(note)).map(drop)
    }

    /// Keeps how far a follower has come.
    pub(super) fn set_position(&mut self, position: Position) {
        self.batch.insert(META_POSITION, codec::write_position(position));
        self.position = Some(position);
        self.changed = true;
    }

    /// Keeps that the operator has dealt with a lost store.
    pub(super) fn accept_loss(&mut self) {
        self.batch.remove(META_LOST);
        self.changed = true;
    }

    /// Writes it all at once. `None` if there was nothing to write.
    pub(super) fn write(mut self) -> Result<Option<Outcome>, StoreError> {
        if !self.changed {
            return Ok(None);
        }
        self.batch.insert(META_SEQUENCE, &self.sequence.to_be_bytes());
        self.store.write(self.batch)?;
        let kept = |entry: &Entry| self.latest.get(&Key::of(entry)).is_some_and(Option::is_some);
        let ended = self.ended.into_iter().filter(|entry| !kept(entry)).collect();
        let added = self.latest.into_values().flatten().map(|stored| stored.entry).collect();
        Ok(Some(Outcome {
            added,
            ended,
            sequence: self.sequence,
            position: self.position,
            superseded: self.superseded,
        }))
    }

    fn current(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        match self.latest.get(&key) {
            Some(known) => Ok(known.clone()),
            None => self.store.get(key),
        }
    }

    fn drop_entry(&mut self, key: Key, old: &Stored) {
        self.batch.remove(&codec::fingerprint_key(key));
        self.batch.remove(&codec::sequence_key(old.sequence));
        self.latest.insert(key, None);
        self.ended.push(old.entry);
    }

    fn put(&mut self, key: Key, stored: Stored) {
        self.batch.insert(&codec::fingerprint_key(key), codec::write_stored(&stored));
        let place = codec::sequence_key(stored.sequence);
        self.batch.insert(&place, codec::write_entry(&stored.entry));
        if let Some(until) = stored.entry.until {
            self.batch.insert(&codec::end_key(until, key), &[]);
        }
        self.latest.insert(key, Some(stored));
        self.changed = true;
    }

    fn remove_end(&mut self, old: &Entry) {
        if let Some(until) = old.until {
            self.batch.remove(&codec::end_key(until, Key::of(old)));
        }
    }
}
