//! The memory of uploads: messages that wait for the disk, and what is held of files until the store has it.
//!
//! Promises: all streams together never hold more than the total, and one user never more than a share of it. A stream that waits for
//! memory keeps at most [`KEPT`] bytes, so there is always one that goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::Error;

/// What a stream that waits may keep. All streams together keep less than a quarter of the total so.
pub(crate) const KEPT: usize = 256 << 10;

/// What the messages of one stream take: one that waits and one that is being looked at, of 1 MiB each.
const MESSAGES: usize = 2 << 20;

/// The part of the total that is for messages, and the part of both that one user may have.
const QUARTER: usize = 4;

/// How long a stream waits for its turn to begin, and later for room.
const TURN_WITHIN: Duration = Duration::from_secs(5);
const ROOM_WITHIN: Duration = Duration::from_secs(30);

/// The memory of all uploads of a process.
#[derive(Debug)]
pub(crate) struct UploadMemory {
    streams: Arc<Pool>,
    bytes: Arc<Pool>,
}

/// Permits of which one user has a share.
#[derive(Debug)]
struct Pool {
    all: Arc<Semaphore>,
    share: usize,
    users: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// What one stream may hold. Its place among the streams is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamMemory {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    _turn: Held,
}

/// Permits that are given back when dropped: the user's and those of all.
#[derive(Debug)]
pub(crate) struct Held {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl UploadMemory {
    /// Memory of so many bytes.
    pub(crate) fn new(total: usize) -> Self {
        let messages = total / QUARTER;
        Self { streams: Pool::new(messages / MESSAGES), bytes: Pool::new(total - messages) }
    }

    /// Waits for a turn to receive a stream of this user.
    pub(crate) async fn stream(&self, user: &str) -> Result<StreamMemory, Error> {
        let own = self.streams.of(user);
        let turn = timeout(TURN_WITHIN, take(&own, &self.streams.all, 1)).await;
        let turn = turn.map_err(|_| Error::UploadsBusy)??;
        Ok(StreamMemory { own: self.bytes.of(user), all: Arc::clone(&self.bytes.all), _turn: turn })
    }
}

impl Pool {
    fn new(permits: usize) -> Arc<Self> {
        let (all, users) = (Arc::new(Semaphore::new(permits)), Mutex::default());
        Arc::new(Self { all, share: (permits / QUARTER).max(1), users })
    }

    fn of(&self, user: &str) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = users.get(user).and_then(Weak::upgrade) {
            return own;
        }
        // As many as have streams, and those that have gone since somebody new came.
        users.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.share));
        users.insert(user.to_owned(), Arc::downgrade(&own));
        own
    }
}

impl StreamMemory {
    /// So many bytes, if they are free.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Held> {
        let bytes = u32::try_from(bytes).ok()?;
        let own = Arc::clone(&self.own).try_acquire_many_owned(bytes).ok()?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(bytes).ok()?;
        Some(Held { own, all })
    }

    /// Waits for so many bytes. Whoever waits holds no more than [`KEPT`].
    pub(crate) async fn take(&self, bytes: usize) -> Result<Held, Error> {
        let bytes = u32::try_from(bytes).map_err(|_| Error::UploadsBusy)?;
        let taken = timeout(ROOM_WITHIN, take(&self.own, &self.all, bytes)).await;
        taken.map_err(|_| Error::UploadsBusy)?
    }
}

impl Held {
    /// Both, to be given back together.
    pub(crate) fn join(&mut self, other: Self) {
        self.own.merge(other.own);
        self.all.merge(other.all);
    }
}

/// First from the user's share, so that nobody waits at the head of all for what only its own streams can give back.
async fn take(own: &Arc<Semaphore>, all: &Arc<Semaphore>, permits: u32) -> Result<Held, Error> {
    let own = Arc::clone(own).acquire_many_owned(permits).await.map_err(|_| Error::TaskLost)?;
    let all = Arc::clone(all).acquire_many_owned(permits).await.map_err(|_| Error::TaskLost)?;
    Ok(Held { own, all })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    const MIB: usize = 1 << 20;

    #[tokio::test(start_paused = true)]
    async fn one_user_never_has_more_than_a_share() {
        let memory = UploadMemory::new(128 * MIB);
        let mut alice = Vec::new();
        while let Ok(stream) = memory.stream("alice").await {
            alice.push(stream);
            assert!(alice.len() <= 4);
        }
        assert_eq!(alice.len(), 4, "16 streams of all");
        let mut held = Vec::new();
        while let Some(bytes) = alice[held.len() % 4].try_take(MIB) {
            held.push(bytes);
        }
        assert_eq!(held.len(), 24, "96 MiB of all");
        assert!(matches!(alice[0].take(MIB).await, Err(Error::UploadsBusy)));
        // Everybody else goes on.
        let bob = memory.stream("bob").await.unwrap();
        assert!(bob.try_take(24 * MIB).is_some());
        let mut one = held.pop().unwrap();
        one.join(held.pop().unwrap());
        drop(one);
        assert!(alice[0].take(2 * MIB).await.is_ok());
        alice.pop();
        assert!(memory.stream("alice").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn all_together_never_have_more_than_the_total() {
        let memory = UploadMemory::new(128 * MIB);
        let mut streams = Vec::new();
        for user in 0..5 {
            for _ in 0..4 {
                match memory.stream(&user.to_string()).await {
                    Ok(stream) => streams.push(stream),
                    Err(error) => assert!(matches!(error, Error::UploadsBusy)),
                }
            }
        }
        assert_eq!(streams.len(), 16);
        let held: Vec<_> = streams.iter().map(|stream| stream.try_take(6 * MIB)).collect();
        assert!(held.iter().all(Option::is_some), "96 MiB in sum");
        assert!(streams[0].try_take(1).is_none());
        drop(streams);
        assert!(memory.bytes.all.available_permits() == 0, "what is held outlasts its stream");
        drop(held);
        assert_eq!(memory.bytes.all.available_permits(), 96 * MIB);
        assert_eq!(memory.streams.all.available_permits(), 16);
    }
}
