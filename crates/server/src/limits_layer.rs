//! Keeps calls within the limits of time. How many are under way at once, the guard limits; how long their messages are, the
//! budget's layer.
//!
//! Invariants: a unary call has a deadline, and what it calls in its turn knows it; a stream that a client keeps open for
//! ever ends when the server drains. A message that nobody's token answers for comes soon.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_guard::{CallTask, Deadline, Guard, http_path};
use hallpass_policy::{Access, Rule, WhenStale};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::ending::{End, Ending};
use crate::{Limits, Shutdown, timeout};

/// The transport has a timer of its own for `grpc-timeout` and answers CANCELLED; ours is this much earlier.
const AHEAD: Duration = Duration::from_millis(1);

/// How long a unary call without a token may take, so that a stranger who withholds the message keeps its slot for no longer.
const STRANGERS_WITHIN: Duration = Duration::from_secs(10);

const HEALTH: &str = "grpc.health.v1.Health";

#[derive(Clone)]
pub(crate) struct LimitsLayer {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    guard: Arc<Guard>,
    shutdown: Shutdown,
}

impl LimitsLayer {
    pub(crate) fn new(limits: Limits, guard: Arc<Guard>, shutdown: Shutdown) -> Self {
        Self { shared: Arc::new(Shared { limits, guard, shutdown }) }
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limiting<S>;

    fn layer(&self, inner: S) -> Limiting<S> {
        Limiting { inner, shared: Arc::clone(&self.shared) }
    }
}

#[derive(Clone)]
pub(crate) struct Limiting<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request<Body>> for Limiting<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Limited<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let terms = self.shared.terms(&request);
        if let Some(at) = terms.deadline {
            request.extensions_mut().insert(Deadline(at));
        }
        let timer = terms.deadline.map(|at| sleep_until(at.checked_sub(AHEAD).unwrap_or(at)));
        Limited { handler: self.inner.call(request), timer, terms: Some(terms) }
    }
}

/// On what terms a call is let in.
struct Terms {
    deadline: Option<Instant>,
    streams: bool,
    /// A document of any length, which its client takes for as long as it likes to.
    document: bool,
    drain: Option<Shutdown>,
}

impl Shared {
    fn terms(&self, request: &Request<Body>) -> Terms {
        let rule = self.guard.rule(request.uri().path());
        let streams = rule.is_some_and(Rule::streams);
        let endless = rule.is_some_and(is_endless);
        let public = rule.is_some_and(|rule| rule.access == Access::Public);
        let unbounded = streams && !rule.is_some_and(is_anonymous);
        let deadline = self.within(timeout::of(request.headers()), unbounded);
        let strange = public && !streams;
        let deadline =
            if strange { deadline.map(|within| within.min(STRANGERS_WITHIN)) } else { deadline };
        Terms {
            deadline: deadline.and_then(|within| Instant::now().checked_add(within)),
            streams,
            document: http_path(request.uri().path()).is_some(),
            drain: endless.then(|| self.shutdown.clone()),
        }
    }

    /// A stream lasts as long as its caller wants; a unary call has an end, and so has a stream of someone unknown.
    fn within(&self, stated: Option<Duration>, unbounded: bool) -> Option<Duration> {
        if unbounded {
            return stated;
        }
        Some(stated.unwrap_or(self.limits.deadline).min(self.limits.max_deadline))
    }
}

/// Whether a call is a stream of someone who shows no token. Health's watchers are counted for themselves.
fn is_anonymous(rule: &'static Rule) -> bool {
    rule.access == Access::Public && rule.streams() && rule.service != HEALTH
}

/// Whether a call is a stream that its client keeps open for ever. Health's watchers are told first, and ended there.
fn is_endless(rule: &'static Rule) -> bool {
    rule.streams() && rule.when_stale == WhenStale::Serve && rule.service != HEALTH
}

impl Terms {
    /// The answer with the terms that outlast its beginning.
    fn bind(self, answer: Response<Body>) -> Response<Body> {
        if let (Some(at), Some(task)) = (self.deadline, CallTask::current())
            && !self.document
        {
            // Nobody looks at the body, nor at its end, while the client takes nothing.
            task.must_end(at);
        }
        if !self.streams {
            return answer;
        }
        let (deadline, drain) = (self.deadline, self.drain);
        let end: End = Box::pin(async move {
            tokio::select! {
                () = passed(deadline) => late(),
                () = drained(drain) => Status::unavailable("the server is shutting down"),
            }
        });
        answer.map(|body| Body::new(Ending::new(body, end)))
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at.checked_sub(AHEAD).unwrap_or(at)).await,
        None => std::future::pending().await,
    }
}

async fn drained(drain: Option<Shutdown>) {
    match drain {
        Some(shutdown) => shutdown.draining().await,
        None => std::future::pending().await,
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the call's deadline has passed")
}

pin_project! {
    /// A call within its limits.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Limited<F> {
        #[pin]
        handler: F,
        #[pin]
        timer: Option<Sleep>,
        terms: Option<Terms>,
    }
}

impl<F, E> Future for Limited<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.handler.poll(cx) {
            return Poll::Ready(answer.map(|answer| match this.terms.take() {
                Some(terms) => terms.bind(answer),
                None => answer,
            }));
        }
        match this.timer.as_pin_mut().map(|timer| timer.poll(cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Ok(late().into_http())),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}
