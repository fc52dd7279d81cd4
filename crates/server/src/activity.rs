//! What happens on a connection: how many calls are under way, and since when there are none.
//!
//! Invariant: only calls are activity. Pings, settings and bytes of a handshake prolong nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

/// How long a connection may do nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// From its beginning to its first call: the handshakes of TLS and HTTP/2 are part of it.
    pub(crate) first_call: Duration,
    /// Without a call under way.
    pub(crate) idle: Duration,
}

/// What happens on one connection.
#[derive(Debug)]
pub(crate) struct Activity {
    begun: Instant,
    calls: AtomicUsize,
    /// Those of them that showed a token which verified.
    known: AtomicUsize,
    /// Milliseconds from the beginning to the end of the latest call; [`NEVER`] before the first one.
    idle_since: AtomicU64,
    dismissed: AtomicBool,
    waker: AtomicWaker,
}

const NEVER: u64 = u64::MAX;

/// How much a connection would be missed; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Worth {
    /// It has made no call yet.
    Unused,
    /// It has no call under way.
    Idle,
    /// It has calls under way, and none of them showed a token that verified.
    Strange,
}

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            calls: AtomicUsize::new(0),
            known: AtomicUsize::new(0),
            idle_since: AtomicU64::new(NEVER),
            dismissed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        })
    }

    /// When the connection has done nothing for too long, as things stand; `None` while a call is under way.
    pub(crate) fn overdue_at(&self, patience: Patience) -> Option<Instant> {
        if self.calls.load(Ordering::SeqCst) > 0 {
            return None;
        }
        Some(match self.idle_since.load(Ordering::SeqCst) {
            NEVER => self.begun + patience.first_call,
            idle => self.begun + Duration::from_millis(idle) + patience.idle,
        })
    }

    /// What it is worth and since when; `None` if it must not be closed, or is being closed.
    pub(crate) fn worth(&self) -> Option<(Worth, Instant)> {
        if self.is_dismissed() || self.known.load(Ordering::SeqCst) > 0 {
            return None;
        }
        if self.calls.load(Ordering::SeqCst) > 0 {
            return Some((Worth::Strange, self.begun));
        }
        Some(match self.idle_since.load(Ordering::SeqCst) {
            NEVER => (Worth::Unused, self.begun),
            idle => (Worth::Idle, self.begun + Duration::from_millis(idle)),
        })
    }

    /// Has the connection closed soon.
    pub(crate) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::SeqCst)
    }

    /// Who looks after the connection is woken when it is dismissed.
    pub(crate) fn watched_by(&self, waker: &Waker) {
        self.waker.register(waker);
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Activity>);

impl UnderWay {
    pub(crate) fn on(activity: &Arc<Activity>) -> Self {
        activity.calls.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(activity))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(NEVER - 1);
        // Before the count: who sees that there is no call sees since when.
        self.0.idle_since.store(now.min(NEVER - 1), Ordering::SeqCst);
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call under way whose token has verified.
#[derive(Debug)]
pub(crate) struct Known(Arc<Activity>);

impl Known {
    pub(crate) fn on(activity: &Arc<Activity>) -> Self {
        activity.known.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(activity))
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.0.known.fetch_sub(1, Ordering::SeqCst);
    }
}
