//! The durable list: sled on disk, the index in memory, one writer.
//!
//! Invariant: what [`List::revoke`] has acknowledged is on disk, safe from kill -9 and power loss, and in the index. What cannot
//! be made durable is not acknowledged, and the list says so until it has opened its store again, which it does by itself.

mod codec;
mod draft;
mod durability;
mod error;
mod open;
mod options;
mod shared;
mod store;
mod witness;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use hallpass_token::{Fingerprint, UnixTime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::feed::{Batch, PAGE, Position};
use crate::{Entry, Index, Note};

pub use error::{OpenError, ReadError, StoreError, WriteError};
pub use open::Opened;
pub use options::Options;
pub use store::Listed;

use shared::Shared;
use writer::{Change, Command, Writer};

/// After how many entries a sync is due. Small on purpose: sled reuses a segment of its log a segment or more after its pages were
/// moved, so what was synced is not overwritten before what replaces it is synced, too.
const GROUP: usize = PAGE;
/// How many commands may wait; beyond that callers wait.
const QUEUE: usize = 4_096;
/// A disk that answers nothing for so long counts as one that has failed, until it answers.
const SILENT_FOR: Duration = Duration::from_secs(20);
/// How often who waits for the writer looks whether the disk is silent, and nudges sled.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an entry may take to be carried to where the other nodes find it.
const CARRIED_WITHIN: Duration = Duration::from_secs(2);

/// The revocation list of one node. Dropping it writes what was asked for, then stops; the drop waits for that. Its changes want a tokio runtime
/// with time.
#[derive(Debug)]
pub struct List {
    shared: Arc<Shared>,
    commands: Option<mpsc::Sender<Command>>,
    writer: Option<JoinHandle<()>>,
    opened: Opened,
    note_bytes: usize,
}

/// What a list has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Syncs of the disk.
    pub syncs: u64,
    /// Entries written.
    pub written: u64,
}

impl List {
    /// Opens the list in a folder of its own, or makes a new one. Blocks: it reads all of it into the index.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let index = Arc::new(Index::default());
        let loaded = open::open(folder, options, &index)?;
        let shared = Arc::new(Shared::new(loaded.store, &loaded.meta, index));
        let (commands, queue) = mpsc::channel(QUEUE);
        let kept = (loaded.files, loaded.superseded);
        let writer = Writer::new(Arc::clone(&shared), kept, loaded.folder, options.clone());
        let thread = std::thread::Builder::new().name("revocations".to_owned());
        let writer = thread.spawn(move || writer.run(queue)).map_err(|source| {
            OpenError::Folder { folder: folder.to_owned(), doing: "start its writer", source }
        })?;
        Ok(Self {
            shared,
            commands: Some(commands),
            writer: Some(writer),
            opened: loaded.opened,
            note_bytes: options.note_bytes,
        })
    }

    /// What was found on opening. A store that was lost stays reported until [`List::accept_loss`].
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Revokes. Returns the entry's sequence once it is durable and in the index, and carried where [`List::carried_by`] says so.
    pub async fn revoke(&self, entry: Entry, note: Note) -> Result<u64, WriteError> {
        if note.reason.len().max(note.by.len()) > self.note_bytes {
            return Err(WriteError::NoteTooLong);
        }
        let sequence = self.change(Change::Revoke(entry, note)).await?;
        self.carried(sequence).await?;
        Ok(sequence)
    }

    /// From now on a revocation counts only once it is carried to where the other nodes find it: `carried` tells up to which sequence
    /// of this list everything is. To be called once.
    pub fn carried_by(&self, carried: watch::Receiver<u64>) {
        // The first one stays: two carriers of one list would be a mistake of the process's own.
        let _ = self.shared.carried.set(carried);
    }

    /// Applies what an issuer's feed sent. Once it returns, the entries are durable, in the index, and the position is kept. A
    /// snapshot removes nothing: what was revoked stays revoked.
    pub async fn apply(&self, batch: Batch) -> Result<(), WriteError> {
        let mut parts = batch.entries.chunks(GROUP).peekable();
        while let Some(part) = parts.next() {
            let reached = if parts.peek().is_none() { batch.reaches() } else { None };
            self.change(Change::Apply(part.to_vec(), reached)).await?;
        }
        if batch.entries.is_empty() && batch.reaches().is_some() {
            self.change(Change::Apply(Vec::new(), batch.reaches())).await?;
        }
        Ok(())
    }

    /// Drops the entries whose `until` has come, from disk and index, some at a time. Returns how many. With them goes a mark to the disk
    /// that says up to when, so that a clock set back makes none of what they revoked valid again.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, WriteError> {
        let mut dropped = 0;
        loop {
            let some = self.change(Change::Sweep(now)).await?;
            dropped += some;
            if some < GROUP as u64 {
                return Ok(dropped);
            }
        }
    }

    /// Marks that what ended by an instant may be forgotten: from then on [`Index::forgotten_upto`] is not before it. A sweep does so for
    /// the entries that it drops.
    pub async fn forget(&self, upto: UnixTime) -> Result<(), WriteError> {
        self.change(Change::Forget(upto)).await.map(|_| ())
    }

    /// Records that the operator has dealt with a lost store, so that it is no longer reported on opening.
    pub async fn accept_loss(&self) -> Result<(), WriteError> {
        self.change(Change::AcceptLoss).await.map(|_| ())
    }

    /// The index that this list keeps up to date.
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(&self.shared.index)
    }

    /// This store's own number, random, never zero.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    /// The last sequence that is durable and in the index.
    pub fn sequence(&self) -> u64 {
        *self.shared.sequence.borrow()
    }

    /// Tells when the sequence has moved.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.sequence.subscribe()
    }

    /// Where a follower's list stands in its issuer's; `None` if it has followed nobody or has not finished a snapshot.
    pub fn position(&self) -> Option<Position> {
        *self.shared.position.borrow()
    }

    /// Up to `limit` entries after a position. May read the disk.
    pub fn since(&self, position: Position, limit: usize) -> Result<Batch, ReadError> {
        let _steady = self.shared.store.steady();
        let sequence = self.sequence();
        if position.epoch != self.epoch() || position.sequence > sequence {
            return Err(ReadError::NeedSnapshot);
        }
        self.entries_after(position.sequence, sequence, limit)
    }

    /// Up to `limit` entries of a snapshot, from the one after `after`; the first page is after zero, the next after the page's
    /// own sequence. May read the disk.
    pub fn snapshot(&self, after: u64, limit: usize) -> Result<Batch, ReadError> {
        let _steady = self.shared.store.steady();
        let sequence = self.sequence();
        let page = self.entries_after(after, sequence, limit)?;
        Ok(Batch { snapshot: true, last: page.sequence == sequence, ..page })
    }

    /// What is revoked under a fingerprint, with the operator's notes. May read the disk.
    pub fn lookup(&self, fingerprint: Fingerprint) -> Result<Vec<Listed>, ReadError> {
        Ok(self.shared.store.lookup(fingerprint)?)
    }

    /// Up to `limit` entries after a sequence, with the operator's notes. May read the disk.
    pub fn page(&self, after: u64, limit: usize) -> Result<Vec<Listed>, ReadError> {
        let _steady = self.shared.store.steady();
        Ok(self.shared.store.page(after, self.sequence(), limit)?)
    }

    /// Fails once something could not be made durable, until the list has opened its store again.
    pub fn healthy(&self) -> Result<(), WriteError> {
        self.shared.healthy()
    }

    /// What it has done since it was opened.
    pub fn stats(&self) -> Stats {
        Stats {
            syncs: self.shared.syncs.load(Ordering::Relaxed),
            written: self.shared.written.load(Ordering::Relaxed),
        }
    }

    fn entries_after(&self, after: u64, upto: u64, limit: usize) -> Result<Batch, ReadError> {
        let found = self.shared.store.entries_after(after, upto, limit)?;
        let more = found.len() == limit.max(1);
        let sequence = found.last().filter(|_| more).map_or(upto, |(sequence, _)| *sequence);
        let entries = found.into_iter().map(|(_, entry)| entry).collect();
        Ok(Batch { epoch: self.epoch(), snapshot: false, last: false, sequence, entries })
    }

    async fn carried(&self, sequence: u64) -> Result<(), WriteError> {
        let Some(carried) = self.shared.carried.get() else { return Ok(()) };
        let mut carried = carried.clone();
        match timeout(CARRIED_WITHIN, carried.wait_for(|upto| *upto >= sequence)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(WriteError::NotCarried),
        }
    }

    async fn change(&self, change: Change) -> Result<u64, WriteError> {
        self.shared.healthy()?;
        let commands = self.commands.as_ref().ok_or(WriteError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        let mut answered = std::pin::pin!(async {
            commands.send(Command { change, reply }).await.map_err(|_| WriteError::Stopped)?;
            answer.await.map_err(|_| WriteError::Stopped)?
        });
        loop {
            if let Ok(answer) = timeout(LOOK_EVERY, &mut answered).await {
                return answer;
            }
            self.shared.nudge();
            self.shared.healthy()?;
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // The writer ends when the last sender is gone and the queue is empty.
        self.commands = None;
        if let Some(writer) = self.writer.take() {
            while !writer.is_finished() {
                self.shared.nudge();
                // One that waits for ever is left to the end of the process.
                if self.shared.is_silent() {
                    return;
                }
                std::thread::park_timeout(Duration::from_millis(1));
            }
            // A writer that panicked has marked the list unhealthy itself.
            drop(writer.join());
        }
    }
}

#[cfg(test)]
mod tests;
