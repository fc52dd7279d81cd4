//! The task in which the transport does everything for one call: its handler runs in it, and its answer is sent from it.
//!
//! Invariant: whatever a client does with its window, a call is over, and what it holds is free, at most [`MARGIN`] after its grace where
//! it was cut and after its deadline where it has one, and [`TAKEN_WITHIN`] after its client took nothing more. While a window is shut,
//! the transport polls nothing: then the task is dropped with all that it holds, and so the stream is reset.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body as BoxedBody;

use crate::serve::call::Call;
use crate::serve::cutoff::GRACE;
use crate::serve::slots::Slot;
use crate::serve::streams::Registration;

/// How much longer than its grace or its deadline a call may take to end by itself.
const MARGIN: Duration = Duration::from_millis(50);

/// How long a client may take nothing of an answer that is there for it. A connection is given as long.
const TAKEN_WITHIN: Duration = Duration::from_mins(1);

tokio::task_local! {
    static TASK: Arc<CallTask>;
}

/// What is known to the task of a call.
#[derive(Debug, Default)]
pub struct CallTask {
    answering: AtomicBool,
    /// Whether the last thing that the transport was given is data.
    given: AtomicBool,
    /// How often the transport has asked for more.
    asked: AtomicU32,
    cut: OnceLock<Instant>,
    kept: Mutex<Kept>,
    waiting: AtomicWaker,
}

/// What lasts until the answer is with the transport.
#[derive(Debug, Default)]
struct Kept {
    deadline: Option<Instant>,
    slot: Option<Slot>,
    unary: Option<Arc<Call>>,
    request: Option<Arc<Lent>>,
}

/// What a client still sends, as long as its call lasts. The transport does not reset a stream that somebody else reads.
#[derive(Default)]
struct Lent {
    body: Mutex<Option<BoxedBody>>,
    reading: AtomicWaker,
}

/// A request's body that is taken back when its call is over.
struct Reading(Arc<Lent>);

impl CallTask {
    /// The task that is running, where the transport spawns them by [`call_task`].
    pub fn current() -> Option<Arc<Self>> {
        TASK.try_with(Arc::clone).ok()
    }

    /// Says until when the call may last.
    pub fn must_end(&self, deadline: Instant) {
        self.kept().deadline = Some(deadline);
    }

    /// Keeps a unary call's slot while its answer is not taken, and has its permit looked after meanwhile.
    pub(super) fn keep(&self, slot: Option<Slot>, unary: Option<Arc<Call>>) {
        let mut kept = self.kept();
        (kept.slot, kept.unary) = (slot, unary);
    }

    /// Lends a streaming request's body to the handler for as long as the call lasts.
    pub(super) fn lend(&self, body: BoxedBody) -> BoxedBody {
        let lent = Arc::new(Lent { body: Mutex::new(Some(body)), ..Lent::default() });
        self.kept().request = Some(Arc::clone(&lent));
        BoxedBody::new(Reading(lent))
    }

    /// Takes back what was lent.
    fn is_over(&self) {
        let lent = self.kept().request.take();
        if let Some(lent) = lent {
            let body = lent.body().take();
            lent.reading.wake();
            drop(body);
        }
    }

    /// Says that its call was cut.
    pub(super) fn cut(&self, at: Instant) {
        // Who sets it first decides: a call is cut once.
        let _ = self.cut.set(at);
        self.waiting.wake();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// An answer's body as the transport asks for it. Outermost of all bodies, so that its call's task knows what the transport takes.
    #[derive(Debug)]
    pub struct Taken<B> {
        #[pin]
        body: B,
        task: Option<Arc<CallTask>>,
    }
}

impl Lent {
    fn body(&self) -> MutexGuard<'_, Option<BoxedBody>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

impl Body for Reading {
    type Data = <BoxedBody as Body>::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        // Registered first and looked at after.
        self.0.reading.register(cx.waker());
        match &mut *self.0.body() {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(Some(Err(Status::aborted("the call is over")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.body().as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.body().as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B> Taken<B> {
    /// The body of the call whose task is running.
    pub fn new(body: B) -> Self {
        let task = CallTask::current();
        if let Some(task) = &task {
            task.answering.store(true, Ordering::Relaxed);
        }
        Self { body, task }
    }
}

impl<B: Body> Body for Taken<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(task) = this.task else { return this.body.poll_frame(cx) };
        // The transport has room for it, or would not ask.
        task.given.store(false, Ordering::Relaxed);
        task.asked.fetch_add(1, Ordering::Relaxed);
        let frame = this.body.poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            task.given.store(frame.is_data(), Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

pin_project! {
    /// Everything that the transport does for one call, see [`call_task`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Serving<F> {
        #[pin]
        serving: TaskLocalFuture<Arc<CallTask>, F>,
        untaken: Untaken,
    }
}

/// Looks after an answer that is not taken.
struct Untaken {
    task: Arc<CallTask>,
    /// Since when the transport has had data that it cannot send, and how often it had asked by then.
    since: Option<(u32, Instant)>,
    watched: Option<Registration>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What a server's transport spawns for a call goes through here, so that the guard can end it; every answer's body has to be [`Taken`].
/// A transport that spawns its tasks otherwise leaves a call open for as long as its client's window is shut.
pub fn call_task<F: Future<Output = ()>>(serving: F) -> Serving<F> {
    let task = Arc::new(CallTask::default());
    let serving = TASK.scope(Arc::clone(&task), serving);
    Serving { serving, untaken: Untaken { task, since: None, watched: None, timer: None } }
}

impl<F: Future<Output = ()>> Future for Serving<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // The call first: one that ends by itself tells its client why.
        if this.serving.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !this.untaken.task.answering.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        ready!(this.untaken.poll_over(cx));
        this.untaken.task.is_over();
        Poll::Ready(())
    }
}

impl Untaken {
    /// Ready once the call has to be dropped.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Registered first and looked at after.
        self.task.waiting.register(cx.waker());
        self.note_given();
        let cut = self.task.cut.get().map(|at| *at + GRACE + MARGIN);
        let deadline = self.task.kept().deadline.map(|at| at + MARGIN);
        let untaken = self.since.map(|(_, since)| since + TAKEN_WITHIN);
        let Some(end) = [cut, deadline, untaken].into_iter().flatten().min() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(())
    }

    fn note_given(&mut self) {
        if !self.task.given.load(Ordering::Relaxed) {
            self.since = None;
            return;
        }
        let asked = self.task.asked.load(Ordering::Relaxed);
        if self.since.is_none_or(|(before, _)| before != asked) {
            self.since = Some((asked, Instant::now()));
        }
        let unary = self.task.kept().unary.take();
        if let Some(call) = unary {
            self.watched = call.watch_unsent();
        }
    }
}
