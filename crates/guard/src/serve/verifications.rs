//! Limits the work of verifying tokens that are not known: one that does not verify costs as much as one that does.
//!
//! Invariant: a token that verifies gets in, whoever shares its address. What is limited is the number of verifications
//! that fail; beyond it calls with unknown tokens wait, each address and in it each connection in its turn, and those that
//! a stale node serves do not wait for the others. Nobody is refused but the last of those who wait for most, and only
//! when very many wait.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Clock;
use crate::serve::fair::{Fair, Lane as _};

/// How many calls may wait.
const WAITING: usize = 4096;

/// How often those who wait are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Who waits for a verification: whether a stale node serves the call, from which address, on which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) vital: bool,
    pub(super) address: Option<IpAddr>,
    pub(super) connection: u16,
}

type Connections = Fair<u16, VecDeque<Waiter>>;
type Queue = Fair<bool, Fair<Option<IpAddr>, Connections>>;

impl Origin {
    const fn path(self) -> (bool, (Option<IpAddr>, (u16, ()))) {
        (self.vital, (self.address, (self.connection, ())))
    }
}

/// The verifications of one guard.
#[derive(Debug)]
pub(super) struct Verifications {
    budget: Budget,
    /// How many wait, to be read without the lock.
    waiting: AtomicUsize,
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    next: u64,
    queue: Queue,
    /// Whether a task looks after them.
    looked_after: bool,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    turn: oneshot::Sender<()>,
}

impl Verifications {
    /// So many may fail in a second; without a number there is no limit.
    pub(super) fn new(failures: Option<NonZeroU32>, clock: Clock) -> Arc<Self> {
        let budget = Budget::new(failures, clock);
        Arc::new(Self { budget, waiting: AtomicUsize::new(0), waiters: Mutex::default() })
    }

    /// Takes what one verification costs, if that is to be had at once. Nobody overtakes those who wait.
    pub(super) fn take(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && self.budget.take()
    }

    /// Gives it back: a token that verifies costs nothing.
    pub(super) fn give_back(&self) {
        self.budget.give_back();
    }

    /// Waits for what one verification costs.
    pub(super) fn wait(self: &Arc<Self>, origin: Origin) -> Turn {
        let (turn, granted) = oneshot::channel();
        let mut waiters = self.waiters();
        let id = waiters.next;
        waiters.next += 1;
        waiters.queue.push(origin.path(), Waiter { id, turn });
        if waiters.queue.len() > WAITING {
            // Dropped, which its call takes for a no.
            drop(waiters.queue.shed());
        }
        self.note(&waiters);
        if !waiters.looked_after {
            waiters.looked_after = true;
            tokio::spawn(Arc::clone(self).serve());
        }
        drop(waiters);
        Turn { of: Arc::clone(self), origin, id, granted, used: false }
    }

    /// Gives those who wait what there is, until nobody waits.
    async fn serve(self: Arc<Self>) {
        loop {
            sleep(LOOK_EVERY).await;
            let mut waiters = self.waiters();
            while waiters.queue.len() > 0 && self.budget.take() {
                let next = waiters.queue.pop();
                if next.is_none_or(|next| next.turn.send(()).is_err()) {
                    self.budget.give_back();
                }
            }
            self.note(&waiters);
            if waiters.queue.len() == 0 {
                waiters.looked_after = false;
                return;
            }
        }
    }

    fn note(&self, waiters: &Waiters) {
        self.waiting.store(waiters.queue.len(), Ordering::Relaxed);
    }

    fn waiters(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, which is left when this is dropped. Tells whether its turn came; otherwise too many waited.
pub(super) struct Turn {
    of: Arc<Verifications>,
    origin: Origin,
    id: u64,
    granted: oneshot::Receiver<()>,
    used: bool,
}

impl Future for Turn {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let granted = std::task::ready!(Pin::new(&mut self.granted).poll(cx));
        self.used = true;
        Poll::Ready(granted.is_ok())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut waiters = self.of.waiters();
        let left = waiters.queue.remove(self.origin.path(), |waiter| waiter.id == self.id);
        self.of.note(&waiters);
        drop((waiters, left));
        if !self.used && self.granted.try_recv().is_ok() {
            self.of.give_back();
        }
    }
}

/// So many in a second, and a quarter of them at once.
#[derive(Debug)]
struct Budget {
    each: Option<u64>,
    clock: Clock,
    /// Until when all that was taken is paid for, in nanoseconds since boot.
    paid: AtomicU64,
}

impl Budget {
    const SECOND: u64 = 1_000_000_000;
    const AT_ONCE: u64 = Self::SECOND / 4;

    fn new(in_a_second: Option<NonZeroU32>, clock: Clock) -> Self {
        let each = in_a_second.map(|count| (Self::SECOND / u64::from(count.get())).max(1));
        Self { each, clock, paid: AtomicU64::new(0) }
    }

    fn take(&self) -> bool {
        let Some(each) = self.each else { return true };
        let now = u64::try_from(self.clock.boot().as_nanos()).unwrap_or(u64::MAX);
        let taken = self.paid.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
            let paid = paid.max(now);
            (paid - now < Self::AT_ONCE).then(|| paid.saturating_add(each))
        });
        taken.is_ok()
    }

    fn give_back(&self) {
        let Some(each) = self.each else { return };
        // Never fails: the closure always has an answer.
        let _ = self.paid.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |paid| {
            Some(paid.saturating_sub(each))
        });
    }
}
