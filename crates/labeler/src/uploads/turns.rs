//! Shares of heavy work: so many at a time of one user, and so many in all. The others wait, each user in turn.
//!
//! Invariant: a turn belongs to the work, not to the call that asked for it: a caller that goes away makes no room for the next one. Each
//! user waits with few for the turns of all, so that many calls of one user get no more of them than one call of another.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// So many folders of the server are read at a time, and of one user's.
const WALKS: usize = 8;
const WALKS_OF_ONE: usize = 2;

/// Who works, and who may next. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    of_one: usize,
    users: Arc<Mutex<HashMap<String, Weak<Semaphore>>>>,
    busy: Arc<Mutex<HashSet<String>>>,
}

/// The right to work. To be dropped when the work has ended.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Given back first, so that the user's next waits behind the others'.
    _of_all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

/// The right to be the only one who works on a thing.
#[derive(Debug)]
pub(crate) struct Alone {
    busy: Arc<Mutex<HashSet<String>>>,
    thing: String,
}

impl Turns {
    /// For work that keeps a processor busy: one of a user at a time, and all but one of the processors in all.
    pub(crate) fn for_reading() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(processors.saturating_sub(1).max(1), 1)
    }

    /// For reading folders, which mostly waits.
    pub(crate) fn for_walking() -> Self {
        Self::new(WALKS, WALKS_OF_ONE)
    }

    fn new(all: usize, of_one: usize) -> Self {
        let all = Arc::new(Semaphore::new(all));
        Self { all, of_one, users: Arc::default(), busy: Arc::default() }
    }

    /// Waits for a turn of this user. There is none any more when the process stops.
    pub(crate) async fn turn(&self, user: &str) -> Result<Turn, Error> {
        let own = self.of(user).acquire_owned().await.map_err(|_| Error::TaskLost)?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.map_err(|_| Error::TaskLost)?;
        Ok(Turn { _of_all: of_all, _own: own })
    }

    /// The process stops: whoever waits need not wait any longer.
    pub(crate) fn close(&self) {
        self.all.close();
    }

    /// The right to be the only one at this thing, unless somebody is.
    pub(crate) fn alone(&self, thing: &str) -> Option<Alone> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = busy.insert(thing.to_owned());
        is_free.then(|| Alone { busy: Arc::clone(&self.busy), thing: thing.to_owned() })
    }

    fn of(&self, user: &str) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = users.get(user).and_then(Weak::upgrade) {
            return own;
        }
        // Whoever works or waits holds on to theirs.
        users.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(self.of_one));
        users.insert(user.to_owned(), Arc::downgrade(&own));
        own
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.thing);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a failure here fails the test")]

    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn many_calls_of_one_user_get_no_more_turns_than_one_of_another() {
        let turns = Turns::new(1, 1);
        let first = turns.turn("mallory").now_or_never().expect("nobody works");
        let mut more: Vec<_> = (0..60).map(|_| Box::pin(turns.turn("mallory"))).collect();
        assert!(more.iter_mut().all(|next| next.now_or_never().is_none()));
        let mut other = pin!(turns.turn("alice"));
        assert!(other.as_mut().now_or_never().is_none(), "one works in all");
        drop(first);
        let mut working =
            || more.iter_mut().filter_map(FutureExt::now_or_never).collect::<Vec<_>>();
        assert!(working().is_empty(), "alice has waited for longer");
        let turn = other.as_mut().now_or_never().expect("it is alice's turn");
        drop(turn);
        assert_eq!(working().len(), 1);
        drop(more);
        let bob = turns.turn("bob").now_or_never().expect("who goes away waits no longer");
        assert_eq!(turns.users.lock().map(|users| users.len()).ok(), Some(1), "none is kept");
        let mut last = pin!(turns.turn("bob"));
        assert!(last.as_mut().now_or_never().is_none());
        turns.close();
        drop(bob);
        assert!(last.now_or_never().is_some_and(|turn| turn.is_err()), "it waits in vain");
    }

    #[test]
    fn a_thing_has_one_at_a_time() {
        let turns = Turns::new(9, 9);
        let alone = turns.alone("upl_1");
        assert!(
            alone.is_some() && turns.alone("upl_1").is_none() && turns.alone("upl_2").is_some()
        );
        drop(alone);
        assert!(turns.alone("upl_1").is_some());
    }
}
