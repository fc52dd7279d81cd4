//! The one writer: it gathers what callers ask for while a sync runs, and makes all of it durable with the next.
//!
//! Invariant: an answer is sent after the sync, the index and the sequence, in this order. After a failure of a write or a sync nothing
//! is acknowledged until the store was opened again: what the disk holds is unknown until then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_token::UnixTime;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::feed::Position;
use crate::{Entry, Forgotten, Note, boot_now};

use super::draft::Draft;
use super::durability::Files;
use super::error::{OpenError, StoreError, WriteError};
use super::options::Options;
use super::shared::Shared;
use super::witness::Witness;
use super::{GROUP, open};

/// Records of more than this, in bytes, can make sled open a file, and one that it cannot open leaves it unusable.
const LARGE: usize = 4 << 10;
/// From one try to open the store again to the next: doubled each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often the queue is looked at between two tries.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A change and who waits for it.
pub(super) struct Command {
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Result<u64, WriteError>>,
}

/// What can be changed.
pub(super) enum Change {
    /// Answered with the entry's sequence.
    Revoke(Entry, Note),
    /// Entries of an issuer, and the position reached with them.
    Apply(Vec<Entry>, Option<Position>),
    /// Answered with how many were dropped.
    Sweep(UnixTime),
    /// What ended by this instant may be forgotten.
    Forget(UnixTime),
    /// The operator has dealt with a lost store.
    AcceptLoss,
}

impl Change {
    /// How many entries it may write.
    fn weight(&self) -> usize {
        match self {
            Self::Revoke(..) | Self::Forget(_) | Self::AcceptLoss => 1,
            Self::Apply(entries, _) => entries.len(),
            Self::Sweep(_) => GROUP,
        }
    }
}

/// Owns the files; runs on a thread of its own.
pub(super) struct Writer {
    shared: Arc<Shared>,
    files: Files,
    superseded: Vec<u64>,
    folder: PathBuf,
    options: Options,
    /// A database of this process that could not be closed still has the log's lock.
    lock_is_left: bool,
}

/// What went wrong with a group of changes.
enum Failed {
    /// Nothing was written: only this group is refused.
    Unread(StoreError),
    /// What the disk holds is unknown.
    Unknown(StoreError),
}

impl Writer {
    /// With the files, and what an earlier process had no more time to drop.
    pub(super) fn new(
        shared: Arc<Shared>,
        (files, superseded): (Files, Vec<u64>),
        folder: PathBuf,
        options: Options,
    ) -> Self {
        Self { shared, files, superseded, folder, options, lock_is_left: false }
    }

    /// Works until the last sender is gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let _on_panic = MarkFailed(Arc::clone(&self.shared));
        while let Some(first) = queue.blocking_recv() {
            let group = gather(first, &mut queue);
            self.commit(group);
            if self.shared.has_failed() {
                self.recover(&mut queue);
            }
        }
        self.bear_witness();
    }

    fn commit(&mut self, group: Vec<Command>) {
        let (replies, changes): (Vec<_>, Vec<_>) =
            group.into_iter().map(|command| (command.reply, command.change)).unzip();
        let swept = changes.iter().any(|change| matches!(change, Change::Sweep(_)));
        self.shared.wait(true);
        let done = self.make_durable_or_fail(changes);
        self.shared.wait(false);
        if swept {
            self.bear_witness();
        }
        for (at, reply) in replies.into_iter().enumerate() {
            // A caller that has gone away does not wait for its answer.
            let _ = reply.send(done.as_ref().map(|answers| answers[at]).map_err(Clone::clone));
        }
    }

    fn make_durable_or_fail(&mut self, changes: Vec<Change>) -> Result<Vec<u64>, WriteError> {
        let made = catch_unwind(AssertUnwindSafe(|| self.make_durable(changes)));
        let failed = match made.unwrap_or(Err(Failed::Unknown(StoreError::Panicked))) {
            Ok(answers) => return Ok(answers),
            Err(Failed::Unread(error)) => {
                tracing::warn!(%error, "revocations: one change is refused");
                error
            }
            Err(Failed::Unknown(error)) => {
                tracing::error!(%error, "revocations: nothing is accepted until the list is opened again");
                self.shared.fail(error.to_string());
                error
            }
        };
        Err(WriteError::Unhealthy(failed.to_string()))
    }

    /// Answers in the order of the changes.
    fn make_durable(&mut self, changes: Vec<Change>) -> Result<Vec<u64>, Failed> {
        let shared = Arc::clone(&self.shared);
        let sequence = *shared.sequence.borrow();
        let mut draft = Draft::new(&shared.store, sequence, &self.superseded);
        let staged = changes.into_iter().map(|change| shared.stage(&mut draft, change));
        let answers = staged.collect::<Result<_, _>>().map_err(Failed::of_reading)?;
        if self.options.note_bytes > LARGE {
            self.files.have_room().map_err(StoreError::Sync).map_err(Failed::Unread)?;
        }
        if let Some(outcome) = draft.write().map_err(Failed::Unknown)? {
            self.files.sync().map_err(StoreError::Sync).map_err(Failed::Unknown)?;
            shared.publish(&outcome);
            self.superseded = outcome.superseded;
        }
        Ok(answers)
    }

    /// Opens the store again, however long that takes; meanwhile whoever asks is refused, and what was acknowledged stays in the index.
    fn recover(&mut self, queue: &mut mpsc::Receiver<Command>) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.open_again() {
            if pause == FIRST_PAUSE {
                tracing::error!(%error, "revocations: the list cannot be opened again yet");
            } else {
                tracing::debug!(%error, "revocations: the list still cannot be opened again");
            }
            if !self.refuse_for(pause, queue) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.shared.recovered();
        tracing::info!("revocations: the list is open again");
    }

    fn open_again(&mut self) -> Result<(), OpenError> {
        self.lock_is_left |= !self.shared.store.abandon();
        if self.lock_is_left {
            open::leave_lock(&self.folder, &self.options)?;
            self.lock_is_left = false;
        }
        let known = self.reached();
        let loaded = open::again(&self.folder, &self.options, &self.shared.index, known)?;
        self.shared.store.take_over(&loaded.store);
        (self.files, self.superseded) = (loaded.files, loaded.superseded);
        self.shared.found(&loaded.meta);
        Ok(())
    }

    /// Refuses what is asked for a while. False once nobody can ask any more.
    fn refuse_for(&self, pause: Duration, queue: &mut mpsc::Receiver<Command>) -> bool {
        let until = boot_now() + pause;
        while boot_now() < until {
            match queue.try_recv() {
                Ok(command) => {
                    let _ = command.reply.send(self.shared.healthy().map(|()| 0));
                }
                Err(TryRecvError::Empty) => std::thread::sleep(LOOK_EVERY),
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        true
    }

    /// Notes how far the store has come, so that the next opening can tell if it has lost something: with each sweep and at the end.
    fn bear_witness(&self) {
        if self.shared.healthy().is_err() {
            return;
        }
        if let Err(error) = self.reached().write(&self.folder, &self.files.sync) {
            tracing::warn!(%error, "revocations: the witness could not be written");
        }
    }

    fn reached(&self) -> Witness {
        Witness { epoch: self.shared.epoch, sequence: *self.shared.sequence.borrow() }
    }
}

impl Failed {
    /// Nothing is written yet; but a record that cannot be read will not be readable by itself.
    fn of_reading(error: StoreError) -> Self {
        match error {
            StoreError::Sled(sled::Error::Io(_)) => Self::Unread(error),
            _ => Self::Unknown(error),
        }
    }
}

impl Shared {
    fn stage(&self, draft: &mut Draft<'_>, change: Change) -> Result<u64, StoreError> {
        match change {
            Change::Revoke(entry, note) => draft.add(entry, Some(note)),
            Change::Apply(entries, reached) => {
                for entry in entries {
                    draft.add(entry, None)?;
                }
                if let Some(reached) = reached.filter(|new| *self.position.borrow() != Some(*new)) {
                    draft.set_position(reached);
                }
                Ok(0)
            }
            Change::Sweep(now) => draft.sweep(now, GROUP, self.index.everything_upto()),
            Change::Forget(upto) => {
                let mark = Forgotten { upto, since: self.index.everything_upto() };
                draft.forget(mark, upto).map(|()| 0)
            }
            Change::AcceptLoss => {
                draft.accept_loss();
                Ok(0)
            }
        }
    }
}

/// The first command and those that wait behind it, up to a group.
fn gather(first: Command, queue: &mut mpsc::Receiver<Command>) -> Vec<Command> {
    let mut weight = first.change.weight();
    let mut group = vec![first];
    while weight < GROUP {
        let Ok(next) = queue.try_recv() else { break };
        weight += next.change.weight();
        group.push(next);
    }
    group
}

/// Says that the list takes no more if the writer panics.
struct MarkFailed(Arc<Shared>);

impl Drop for MarkFailed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer has panicked".to_owned());
        }
    }
}
