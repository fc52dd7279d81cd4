//! What the store holds, read.
//!
//! Invariant: a feed or an operator sees no entry beyond the sequence that it asks up to, so nothing that is not durable yet.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use hallpass_token::{Fingerprint, UnixTime};

use crate::feed::Position;
use crate::{Entry, Index, Note};

use super::codec::{
    self, BY_END, BY_FINGERPRINT, BY_SEQUENCE, FORMAT, Key, META_EPOCH, META_FORMAT, META_LOST,
    META_POSITION, META_SEQUENCE, SUPERSEDED, Stored,
};
use super::error::StoreError;

/// How long a database that has failed may take to close.
const CLOSES_WITHIN: Duration = Duration::from_secs(2);
/// How many entries are put into the index at a time when the list is loaded.
const LOAD: usize = 65_536;

/// An entry as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its place in the list.
    pub sequence: u64,
    /// What is revoked.
    pub entry: Entry,
    /// The operator's record; a follower has none.
    pub note: Option<Note>,
}

/// An entry whose end has come.
pub(super) struct Ended {
    pub(super) key: Key,
    pub(super) record: sled::IVec,
}

/// The open database.
#[derive(Debug)]
pub(super) struct Store {
    /// Not there while it is being opened again.
    db: RwLock<Option<sled::Db>>,
    writing: RwLock<()>,
}

/// What the store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) format: u32,
    pub(super) epoch: u64,
    pub(super) sequence: u64,
    pub(super) position: Option<Position>,
    pub(super) lost: Option<String>,
}

impl Meta {
    /// Of a store to be made. `lost` names the one that it replaces.
    pub(super) fn new(epoch: [u8; 8], lost: Option<String>) -> Self {
        // Zero says "none" on the wire.
        let epoch = u64::from_be_bytes(epoch).max(1);
        Self { format: FORMAT, epoch, sequence: 0, position: None, lost }
    }

    /// The batch that makes an empty database this store.
    pub(super) fn to_batch(&self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        batch.insert(META_FORMAT, &self.format.to_be_bytes());
        batch.insert(META_EPOCH, &self.epoch.to_be_bytes());
        batch.insert(META_SEQUENCE, &self.sequence.to_be_bytes());
        if let Some(lost) = &self.lost {
            batch.insert(META_LOST, lost.as_bytes());
        }
        batch
    }
}

impl Store {
    pub(super) const fn new(db: sled::Db) -> Self {
        Self { db: RwLock::new(Some(db)), writing: RwLock::new(()) }
    }

    /// Closes the database. sled syncs its log once more, and panics where that fails: what it had acknowledged was synced before.
    pub(super) fn close(&self) {
        close(self.db.write().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Closes a database that has failed, or leaves it behind: sled waits for ever for a write that it has given up half-way. Whether it is
    /// closed; what is left behind keeps its lock.
    pub(super) fn abandon(&self) -> bool {
        let db = self.db.write().unwrap_or_else(PoisonError::into_inner).take();
        let (closed, is_closed) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("revocations-close".to_owned());
        let closing = thread.spawn(move || {
            close(db);
            drop(closed);
        });
        // Where no thread can be started, it is closed here by the drop of what was to run.
        let waited = closing.map(|_| is_closed.recv_timeout(CLOSES_WITHIN));
        let is_left = matches!(waited, Ok(Err(RecvTimeoutError::Timeout)));
        if is_left {
            tracing::error!("revocations: a database that cannot be closed is left behind");
        }
        !is_left
    }

    /// Takes over another one's database.
    pub(super) fn take_over(&self, other: &Self) {
        let db = other.db.write().unwrap_or_else(PoisonError::into_inner).take();
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = db;
    }

    /// Wakes a write that waits for one that has failed: sled tells nobody of some failures until it is asked for another flush.
    pub(super) fn nudge(&self) {
        if let Ok(db) = self.db() {
            // Whether it fails is told to whoever waits.
            let _ = db.flush();
        }
    }

    /// What the store says of itself; `None` if it was never finished.
    pub(super) fn meta(&self) -> Result<Option<Meta>, StoreError> {
        let Some(format) = self.db()?.get(META_FORMAT)? else { return Ok(None) };
        let format = format.as_ref().try_into().map_err(|_| StoreError::Record("no format"))?;
        let epoch = self.number(META_EPOCH)?;
        let sequence = self.number(META_SEQUENCE)?;
        let position = self.db()?.get(META_POSITION)?;
        let position = position.map(|bytes| codec::read_position(&bytes)).transpose()?;
        let lost = self.db()?.get(META_LOST)?;
        let lost = lost.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Some(Meta { format: u32::from_be_bytes(format), epoch, sequence, position, lost }))
    }

    /// Says that the store may hold what programs of earlier formats cannot read.
    pub(super) fn set_format(&self, format: u32) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(META_FORMAT, &format.to_be_bytes());
        self.write(batch)
    }

    /// Writes atomically and hands it to the operating system; a sync of the files makes it durable.
    pub(super) fn write(&self, batch: sled::Batch) -> Result<(), StoreError> {
        {
            let _alone = self.writing.write().unwrap_or_else(PoisonError::into_inner);
            self.db()?.apply_batch(batch)?;
        }
        self.db()?.flush()?;
        Ok(())
    }

    /// Nothing is written for as long as this is held. An entry that moves to the end of the order is removed from its old place
    /// only after its new one was announced: who holds this, then reads the sequence, then the entries up to it, misses none.
    pub(super) fn steady(&self) -> RwLockReadGuard<'_, ()> {
        self.writing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads everything, the entries into an index: what cannot be read must be known before a follower or an operator asks for
    /// it. Each entry has its place in the order, and so has each that is superseded.
    pub(super) fn load(&self, superseded: usize, index: &Index) -> Result<(), StoreError> {
        let (mut run, mut entries) = (Vec::with_capacity(LOAD), 0);
        for record in self.db()?.scan_prefix([BY_FINGERPRINT]).values() {
            run.push(codec::read_stored(&record?)?.entry);
            if run.len() == LOAD {
                entries += run.len();
                index.insert(&run);
                run.clear();
            }
        }
        entries += run.len();
        index.insert(&run);
        let mut places = 0;
        for record in self.db()?.scan_prefix([BY_SEQUENCE]) {
            let (key, value) = record?;
            codec::read_sequence_key(&key)?;
            codec::read_entry(&value)?;
            places += 1;
        }
        for record in self.db()?.scan_prefix([BY_END]).keys() {
            codec::read_end_key(&record?)?;
        }
        if places != entries + superseded {
            return Err(StoreError::Record("entries and their order differ in number"));
        }
        Ok(())
    }

    /// The sequences whose records are to go.
    pub(super) fn superseded(&self) -> Result<Vec<u64>, StoreError> {
        let keys = self.db()?.scan_prefix([SUPERSEDED]).keys();
        keys.map(|key| codec::read_sequence_key(&key?)).collect()
    }

    pub(super) fn get(&self, key: Key) -> Result<Option<Stored>, StoreError> {
        let found = self.db()?.get(codec::fingerprint_key(key))?;
        found.map(|bytes| codec::read_stored(&bytes)).transpose()
    }

    /// Entries with their sequences, after one and up to another.
    pub(super) fn entries_after(
        &self,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        if after >= upto {
            return Ok(Vec::new());
        }
        let range = codec::sequence_key(after.saturating_add(1))..=codec::sequence_key(upto);
        let read = |record: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, value) = record?;
            Ok((codec::read_sequence_key(&key)?, codec::read_entry(&value)?))
        };
        self.db()?.range(range).take(limit.max(1)).map(read).collect()
    }

    /// What stands under an end that has come, with the record that says so.
    pub(super) fn ended(&self, now: UnixTime, limit: usize) -> Result<Vec<Ended>, StoreError> {
        let from = codec::end_key_from(UnixTime::from_secs(0));
        let range = from..codec::end_key_from(now.plus(Duration::from_secs(1)));
        let read = |record: sled::Result<(sled::IVec, sled::IVec)>| {
            let (record, _) = record?;
            Ok(Ended { key: codec::read_end_key(&record)?, record })
        };
        self.db()?.range(range).take(limit).map(read).collect()
    }

    pub(super) fn lookup(&self, fingerprint: Fingerprint) -> Result<Vec<Listed>, StoreError> {
        let both = [false, true].map(|cutoff| self.get(Key { fingerprint, cutoff }));
        let found = both.into_iter().filter_map(Result::transpose);
        found.map(|stored| stored.map(Listed::from)).collect()
    }

    pub(super) fn page(
        &self,
        after: u64,
        upto: u64,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut all = Vec::new();
        for (sequence, entry) in self.entries_after(after, upto, limit)? {
            let stored = self.get(Key::of(&entry))?;
            let note = stored.filter(|stored| stored.sequence == sequence).and_then(|s| s.note);
            all.push(Listed { sequence, entry, note });
        }
        Ok(all)
    }

    fn db(&self) -> Result<sled::Db, StoreError> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)
    }

    fn number(&self, key: &[u8]) -> Result<u64, StoreError> {
        let bytes = self.db()?.get(key)?.ok_or(StoreError::Record("a number is missing"))?;
        codec::read_number(&bytes)
    }
}

fn close(db: Option<sled::Db>) {
    if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
        tracing::error!("revocations: the database could not be closed");
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl From<Stored> for Listed {
    fn from(stored: Stored) -> Self {
        Self { sequence: stored.sequence, entry: stored.entry, note: stored.note }
    }
}
