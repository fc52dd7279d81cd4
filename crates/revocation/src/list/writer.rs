//! The one writer: it gathers what callers ask for while a sync runs, and makes all of it durable with the next.
//!
//! Invariant: an answer is sent after the sync, the index and the sequence, in this order. After a failure nothing is
//! acknowledged any more: what the disk holds is then unknown.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_token::UnixTime;
use tokio::sync::{mpsc, oneshot};

use crate::feed::Position;
use crate::{Entry, Note, boot_now};

use super::draft::{Draft, Outcome};
use super::durability::Files;
use super::error::{StoreError, WriteError};
use super::witness::Witness;
use super::{GROUP, Shared};

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
    /// The operator has dealt with a lost store.
    AcceptLoss,
}

impl Change {
    /// How many entries it may write.
    fn weight(&self) -> usize {
        match self {
            Self::Revoke(..) | Self::AcceptLoss => 1,
            Self::Apply(entries, _) => entries.len(),
            Self::Sweep(_) => GROUP,
        }
    }
}

/// Owns the files; runs on a thread of its own.
pub(super) struct Writer {
    shared: Arc<Shared>,
    files: Files,
    folder: PathBuf,
    superseded: Vec<u64>,
}

impl Writer {
    /// `superseded` is what an earlier process had no more time to drop.
    pub(super) fn new(
        shared: Arc<Shared>,
        files: Files,
        folder: PathBuf,
        superseded: Vec<u64>,
    ) -> Self {
        Self { shared, files, folder, superseded }
    }

    /// Works until the last sender is gone and the queue is empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let _on_panic = MarkFailed(Arc::clone(&self.shared));
        while let Some(first) = queue.blocking_recv() {
            let group = gather(first, &mut queue);
            self.commit(group);
        }
        self.bear_witness();
    }

    fn commit(&mut self, group: Vec<Command>) {
        let (replies, changes): (Vec<_>, Vec<_>) =
            group.into_iter().map(|command| (command.reply, command.change)).unzip();
        let swept = changes.iter().any(|change| matches!(change, Change::Sweep(_)));
        let done = match self.shared.healthy() {
            Ok(()) => {
                self.shared.begin_to_wait();
                let done = self.make_durable(changes).map_err(|error| self.shared.fail(&error));
                self.shared.waiting_since.store(0, Ordering::Release);
                done
            }
            Err(unhealthy) => Err(unhealthy),
        };
        if swept {
            self.bear_witness();
        }
        for (at, reply) in replies.into_iter().enumerate() {
            // A caller that has gone away does not wait for its answer.
            let _ = reply.send(done.as_ref().map(|answers| answers[at]).map_err(Clone::clone));
        }
    }

    /// Answers in the order of the changes.
    fn make_durable(&mut self, changes: Vec<Change>) -> Result<Vec<u64>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let sequence = *shared.sequence.borrow();
        let mut draft = Draft::new(&shared.store, sequence, &self.superseded);
        let staged = changes.into_iter().map(|change| shared.stage(&mut draft, change));
        let answers = staged.collect::<Result<_, _>>()?;
        if let Some(outcome) = draft.write()? {
            self.files.sync().map_err(StoreError::Sync)?;
            shared.publish(&outcome);
            self.superseded = outcome.superseded;
        }
        Ok(answers)
    }

    /// Notes how far the store has come, so that the next opening can tell if it has lost something: with each sweep and at the end.
    fn bear_witness(&self) {
        if self.shared.healthy().is_err() {
            return;
        }
        let sequence = *self.shared.sequence.borrow();
        let witness = Witness { epoch: self.shared.epoch, sequence };
        if let Err(error) = witness.write(&self.folder, &self.files.sync) {
            tracing::warn!(%error, "revocations: the witness could not be written");
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
            Change::Sweep(now) => draft.sweep(now, GROUP),
            Change::AcceptLoss => {
                draft.accept_loss();
                Ok(0)
            }
        }
    }

    fn publish(&self, outcome: &Outcome) {
        self.index.insert(&outcome.added);
        self.index.remove(&outcome.ended);
        if let Some(position) = outcome.position {
            self.position.send_replace(Some(position));
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(outcome.added.len() as u64, Ordering::Relaxed);
        self.sequence.send_if_modified(|sequence| {
            std::mem::replace(sequence, outcome.sequence) != outcome.sequence
        });
    }

    /// From now on the disk is waited for.
    fn begin_to_wait(&self) {
        let now = u64::try_from(boot_now().as_millis()).unwrap_or(u64::MAX);
        self.waiting_since.store(now.max(1), Ordering::Release);
    }

    fn fail(&self, error: &StoreError) -> WriteError {
        tracing::error!(%error, "revocations: nothing more is accepted until the list is opened anew");
        let reason = self.failure.get_or_init(|| error.to_string());
        WriteError::Unhealthy(reason.clone())
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
            // Kept: whichever reason came first.
            let _ = self.0.failure.set("the writer has panicked".to_owned());
        }
    }
}
