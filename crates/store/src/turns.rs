//! Turns at what users share: so many in all, and fewer for each user.
//!
//! Invariant: of one user's requests no more wait in the common queue than that user may have under way. So whoever asks next waits for the
//! share of each user before them, and never for all that somebody else has asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Whom a turn counts for; `None` is the process itself, which is one user.
pub(crate) type User = Option<u128>;

/// At how many users those without a turn are forgotten for the first time.
const SWEEP_AT: usize = 1024;

/// The turns.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    of_one: usize,
    users: Mutex<Users>,
}

#[derive(Debug)]
struct Users {
    own: HashMap<User, Weak<Semaphore>>,
    sweep_at: usize,
}

/// A turn; dropped, it is the next one's.
#[derive(Debug)]
pub(crate) struct Turn {
    _all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at once, half of them for one user, and at least one.
    pub(crate) fn new(at_once: u32) -> Arc<Self> {
        let at_once = at_once as usize;
        let users = Mutex::new(Users { own: HashMap::new(), sweep_at: SWEEP_AT });
        let of_one = at_once.div_ceil(2);
        Arc::new(Self { all: Arc::new(Semaphore::new(at_once)), of_one, users })
    }

    /// Waits for a turn; `None` if none came within this time.
    pub(crate) async fn take(&self, user: User, within: Duration) -> Option<Turn> {
        // Neither semaphore is ever closed.
        timeout(within, self.wait(user)).await.ok()?.ok()
    }

    /// First for the user's own share and then in the common queue, which is first come, first served.
    async fn wait(&self, user: User) -> Result<Turn, AcquireError> {
        let own = self.own(user).acquire_owned().await?;
        let all = Arc::clone(&self.all).acquire_owned().await?;
        Ok(Turn { _all: all, _own: own })
    }

    fn own(&self, user: User) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = users.own.get(&user).and_then(Weak::upgrade) {
            return own;
        }
        if users.own.len() >= users.sweep_at {
            users.own.retain(|_, own| own.strong_count() > 0);
            users.sweep_at = (users.own.len() * 2).max(SWEEP_AT);
        }
        let own = Arc::new(Semaphore::new(self.of_one));
        users.own.insert(user, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn one_user_leaves_half_to_the_others() {
        let turns = Turns::new(4);
        let mut held = Vec::new();
        for user in [Some(1), Some(2)] {
            held.push(turns.take(user, LONG).await.unwrap());
            held.push(turns.take(user, LONG).await.unwrap());
            assert!(turns.take(user, LONG).await.is_none(), "{user:?} has taken more than half");
        }
        assert!(turns.take(None, LONG).await.is_none());
        held.pop();
        turns.take(None, LONG).await.unwrap();
    }

    #[tokio::test]
    async fn who_asks_for_little_does_not_wait_for_those_who_ask_for_much() {
        let turns = Turns::new(1);
        let (say, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let first = turns.take(Some(1), LONG).await;
        for user in [[1; 20].as_slice(), &[2], &[3, 3]].concat() {
            let (turns, say) = (Arc::clone(&turns), say.clone());
            tokio::spawn(async move {
                let turn = turns.take(Some(user), LONG).await;
                say.send(user).unwrap();
                drop(turn);
            });
        }
        // Each has asked, in this order.
        tokio::task::yield_now().await;
        drop((first, say));
        let mut order = Vec::new();
        while let Some(user) = hear.recv().await {
            order.push(user);
        }
        let others = order.iter().rposition(|user| *user != 1);
        assert_eq!((order.len(), others.is_some_and(|last| last < 5)), (23, true), "{order:?}");
    }

    #[tokio::test]
    async fn who_does_not_wait_any_more_takes_no_turn() {
        let turns = Turns::new(1);
        let first = turns.take(Some(1), LONG).await;
        for user in [Some(1), Some(2)] {
            assert!(turns.take(user, Duration::ZERO).await.is_none());
        }
        drop(first);
        for user in [Some(2), Some(1)] {
            turns.take(user, Duration::ZERO).await.unwrap();
        }
    }

    #[tokio::test]
    async fn whoever_has_no_turn_is_forgotten() {
        let turns = Turns::new(1);
        for user in 0..10_000 {
            turns.take(Some(user), LONG).await.unwrap();
        }
        assert!(turns.users.lock().unwrap().own.len() <= SWEEP_AT);
    }
}
