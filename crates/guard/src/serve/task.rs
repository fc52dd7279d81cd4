//! The task in which the transport does everything for one call: the handler, and the sending of its answer.
//!
//! Invariant: a call that was cut keeps nothing of the transport's for longer than [`GRACE`] and [`MARGIN`]. Where the transport polls
//! nothing, as it does while a client's window is shut, the task is dropped with all that it holds, and so the stream is reset.

use std::future::{Future, poll_fn};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, sleep_until};

use crate::serve::cutoff::GRACE;

/// How much longer than the grace a task may take to end by itself.
const MARGIN: Duration = Duration::from_millis(50);

tokio::task_local! {
    static TASK: Arc<Task>;
}

/// When a task has to end.
#[derive(Debug, Default)]
pub(super) struct Task {
    cut: OnceLock<Instant>,
    waiting: AtomicWaker,
}

impl Task {
    /// The one that is running, if it is a [`call_task`].
    pub(super) fn current() -> Option<Arc<Self>> {
        TASK.try_with(Arc::clone).ok()
    }

    /// Says that its call was cut.
    pub(super) fn cut(&self, at: Instant) {
        // Who sets it first decides: a call is cut once.
        let _ = self.cut.set(at);
        self.waiting.wake();
    }

    fn poll_cut(&self, cx: &Context<'_>) -> Poll<Instant> {
        // Registered first and looked at after.
        self.waiting.register(cx.waker());
        self.cut.get().map_or(Poll::Pending, |at| Poll::Ready(*at))
    }

    async fn overdue(&self) {
        let cut = poll_fn(|cx| self.poll_cut(cx)).await;
        sleep_until(cut + GRACE + MARGIN).await;
    }
}

/// What a server's transport spawns for each call goes through here, so that the guard can end it. A transport that spawns its tasks
/// otherwise leaves a cut stream open for as long as its client's window is shut.
pub async fn call_task<F: Future<Output = ()>>(serving: F) {
    let task = Arc::new(Task::default());
    let serving = TASK.scope(Arc::clone(&task), serving);
    tokio::select! {
        biased;
        () = serving => {}
        () = task.overdue() => {}
    }
}
