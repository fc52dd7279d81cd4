//! What the callers of a list and its writer share.
//!
//! Invariant: a list is unhealthy from a failure on until its store is open again, and while the disk answers nothing; neither stays
//! longer than its cause.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::feed::Position;
use crate::{Index, boot_now};

use super::SILENT_FOR;
use super::draft::Outcome;
use super::error::WriteError;
use super::store::{Meta, Store};

/// A write that takes longer may wait for one that has failed.
const SLOW_AFTER: Duration = Duration::from_secs(1);

/// What the callers and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) epoch: u64,
    pub(super) index: Arc<Index>,
    pub(super) sequence: watch::Sender<u64>,
    pub(super) position: watch::Sender<Option<Position>>,
    /// Why nothing is accepted, while that is so.
    failure: Mutex<Option<String>>,
    /// Since when the writer waits for the disk, in milliseconds of the boot clock; zero while it does not.
    waiting_since: AtomicU64,
    nudging: AtomicBool,
    pub(super) carried: OnceLock<watch::Receiver<u64>>,
    pub(super) syncs: AtomicU64,
    pub(super) written: AtomicU64,
}

impl Shared {
    pub(super) fn new(store: Store, meta: &Meta, index: Arc<Index>) -> Self {
        Self {
            store,
            epoch: meta.epoch,
            index,
            sequence: watch::Sender::new(meta.sequence),
            position: watch::Sender::new(meta.position),
            failure: Mutex::default(),
            waiting_since: AtomicU64::new(0),
            nudging: AtomicBool::new(false),
            carried: OnceLock::new(),
            syncs: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// What a written and synced draft means for whoever looks.
    pub(super) fn publish(&self, outcome: &Outcome) {
        self.index.insert(&outcome.added);
        self.index.remove(&outcome.ended);
        if let Some(position) = outcome.position {
            self.position.send_replace(Some(position));
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.written.fetch_add(outcome.added.len() as u64, Ordering::Relaxed);
        self.moved_to(outcome.sequence);
    }

    /// What was found when the store was opened again: it may hold more than was acknowledged. The index has it already.
    pub(super) fn found(&self, meta: &Meta) {
        self.position.send_if_modified(|position| {
            std::mem::replace(position, meta.position) != meta.position
        });
        self.moved_to(meta.sequence);
    }

    fn moved_to(&self, reached: u64) {
        self.sequence.send_if_modified(|sequence| std::mem::replace(sequence, reached) != reached);
    }

    /// From now on the disk is waited for, or no longer.
    pub(super) fn wait(&self, waits: bool) {
        let now = u64::try_from(boot_now().as_millis()).unwrap_or(u64::MAX);
        self.waiting_since.store(if waits { now.max(1) } else { 0 }, Ordering::Release);
    }

    /// For how long the writer has waited for the disk. By the real clock: the disk knows no other.
    fn waiting(&self) -> Duration {
        match self.waiting_since.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            since => boot_now().saturating_sub(Duration::from_millis(since)),
        }
    }

    /// Whether the writer waits for a disk that answers nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.waiting() >= SILENT_FOR
    }

    /// Wakes a writer that waits for a write which has failed unnoticed. On a thread of its own: where the disk is silent, that waits, too.
    pub(super) fn nudge(self: &Arc<Self>) {
        if self.waiting() < SLOW_AFTER || self.nudging.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(self);
        let thread = std::thread::Builder::new().name("revocations-nudge".to_owned());
        let started = thread.spawn(move || {
            shared.store.nudge();
            shared.nudging.store(false, Ordering::Release);
        });
        if started.is_err() {
            // No thread can be started at the moment: whoever waits tries again.
            self.nudging.store(false, Ordering::Release);
        }
    }

    pub(super) fn healthy(&self) -> Result<(), WriteError> {
        if let Some(reason) = self.failure().clone() {
            return Err(WriteError::Unhealthy(reason));
        }
        if self.is_silent() {
            return Err(WriteError::Silent(SILENT_FOR.as_secs()));
        }
        Ok(())
    }

    /// Nothing is accepted until [`Shared::recovered`].
    pub(super) fn fail(&self, reason: String) {
        self.failure().get_or_insert(reason);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure().is_some()
    }

    pub(super) fn recovered(&self) {
        *self.failure() = None;
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
