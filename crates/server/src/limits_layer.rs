//! Keeps calls within the limits: how many at once, and for how long.
//!
//! Invariants: a unary call has a deadline, and what it calls in its turn knows it; a stream that a client keeps open for
//! ever ends when the server drains; the calls by which a node becomes fresh again are not crowded out, and nothing that needs
//! no token takes a place from what does. A message that nobody's token or place answers for is small, and comes soon.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_guard::{Deadline, Decisions, Guard};
use hallpass_policy::{Access, Denial, Rule, WhenStale};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited as Bounded};
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::ending::{End, Ending};
use crate::{Limits, Shutdown, timeout};

/// What a refused caller is told to wait.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The transport has a timer of its own for `grpc-timeout` and answers CANCELLED; ours is this much earlier.
const AHEAD: Duration = Duration::from_millis(1);

/// How long a unary call without a token may take, so that a stranger who withholds the message keeps its place for no longer.
const STRANGERS_WITHIN: Duration = Duration::from_secs(10);

/// The longest message, in bytes, of a call that has a place whoever comes, or needs no token.
const SMALL: usize = 64 << 10;

const HEALTH: &str = "grpc.health.v1.Health";

#[derive(Clone)]
pub(crate) struct LimitsLayer {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    guard: Arc<Guard>,
    decisions: Decisions,
    calls: Arc<Semaphore>,
    /// For streams that need no token, such as reflection's.
    anonymous: Arc<Semaphore>,
    /// For unary calls that need none. Health's checks always have a place.
    strangers: Arc<Semaphore>,
    /// For unary calls that keep others from calling, such as revoking.
    vital: Arc<Semaphore>,
    /// For those who watch health: they may stay for ever, so they are counted apart.
    watchers: Arc<Semaphore>,
    shutdown: Shutdown,
}

impl LimitsLayer {
    pub(crate) fn new(limits: Limits, guard: Arc<Guard>, node: u64, shutdown: Shutdown) -> Self {
        // Other ids than the guard's, which counts from the same number.
        let decisions = Decisions::new(!node);
        let places = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            guard,
            decisions,
            calls: places(limits.calls),
            anonymous: places(limits.anonymous_streams),
            strangers: places(limits.anonymous_calls),
            vital: places(limits.calls),
            watchers: places(limits.health_watchers),
            shutdown,
            limits,
        };
        Self { shared: Arc::new(shared) }
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
        let terms = match self.shared.terms(&request) {
            Ok(terms) => terms,
            Err(status) => {
                return Limited { way: Way::Refused { answer: Some(status.into_http()) } };
            }
        };
        if let Some(at) = terms.deadline {
            request.extensions_mut().insert(Deadline(at));
        }
        if terms.small {
            request = request.map(|body| Body::new(Bounded::new(body, SMALL).map_err(too_long)));
        }
        let timer = terms.deadline.map(|at| sleep_until(at.checked_sub(AHEAD).unwrap_or(at)));
        Limited {
            way: Way::UnderWay { handler: self.inner.call(request), timer, terms: Some(terms) },
        }
    }
}

/// On what terms a call is let in.
struct Terms {
    held: Option<OwnedSemaphorePermit>,
    deadline: Option<Instant>,
    streams: bool,
    /// Whether its message has to be.
    small: bool,
    drain: Option<Shutdown>,
}

impl Shared {
    fn terms(&self, request: &Request<Body>) -> Result<Terms, Status> {
        let rule = self.guard.rule(request.uri().path());
        let place = |places: &Arc<Semaphore>| {
            let held = Arc::clone(places).try_acquire_owned();
            held.map_err(|_| self.too_many(request.uri().path()))
        };
        let held = self.places(rule).map(place).transpose()?;
        let streams = rule.is_some_and(Rule::streams);
        let endless = rule.is_some_and(is_endless);
        let public = rule.is_some_and(|rule| rule.access == Access::Public);
        let unbounded = streams && !rule.is_some_and(is_anonymous);
        let deadline = self.within(timeout::of(request.headers()), unbounded);
        let strange = public && !streams;
        let deadline =
            if strange { deadline.map(|within| within.min(STRANGERS_WITHIN)) } else { deadline };
        Ok(Terms {
            held,
            deadline: deadline.and_then(|within| Instant::now().checked_add(within)),
            streams,
            small: strange || !streams && rule.is_some_and(is_vital),
            drain: endless.then(|| self.shutdown.clone()),
        })
    }

    /// Where a call has to find a place; `None` for those that always have one.
    fn places(&self, rule: Option<&'static Rule>) -> Option<&Arc<Semaphore>> {
        match rule {
            Some(rule) if is_anonymous(rule) => Some(&self.anonymous),
            Some(rule) if rule.service == HEALTH => rule.streams().then_some(&self.watchers),
            Some(rule) if rule.access == Access::Public => Some(&self.strangers),
            Some(rule) if is_vital(rule) => (!rule.streams()).then_some(&self.vital),
            Some(_) | None => Some(&self.calls),
        }
    }

    /// A stream lasts as long as its caller wants; a unary call has an end, and so has a stream of someone unknown.
    fn within(&self, stated: Option<Duration>, unbounded: bool) -> Option<Duration> {
        if unbounded {
            return stated;
        }
        Some(stated.unwrap_or(self.limits.deadline).min(self.limits.max_deadline))
    }

    fn too_many(&self, path: &str) -> Status {
        let decision = self.decisions.next();
        let rpc = self.guard.rule(path).map_or("_OTHER", |rule| rule.path);
        tracing::info!(target: "hallpass::decision", %decision, rpc, reason = "TOO_MANY", "refused");
        Denial::TooMany(TRY_AGAIN_AFTER).into_status(decision)
    }
}

/// Whether a node becomes fresh again by a call: it is let in however many others there are. The guard turns away those who
/// may not make it.
fn is_vital(rule: &'static Rule) -> bool {
    rule.access != Access::Public && rule.when_stale == WhenStale::Serve
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
        answer.map(|body| Body::new(Ending::new(body, end, self.held)))
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

/// Keeps what a handler would say of the body itself, if it is no more than too long.
fn too_long(error: tonic::codegen::StdError) -> tonic::codegen::StdError {
    if error.is::<http_body_util::LengthLimitError>() {
        Status::resource_exhausted("the message is longer than 64 KiB").into()
    } else {
        error
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the call's deadline has passed")
}

pin_project! {
    /// A call within its limits, or refused at once.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Limited<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way<F> {
        Refused { answer: Option<Response<Body>> },
        UnderWay { #[pin] handler: F, #[pin] timer: Option<Sleep>, terms: Option<Terms> },
    }
}

impl<F, E> Future for Limited<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjected::Refused { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer)),
                None => Poll::Pending,
            },
            WayProjected::UnderWay { handler, timer, terms } => {
                if let Poll::Ready(answer) = handler.poll(cx) {
                    return Poll::Ready(answer.map(|answer| match terms.take() {
                        Some(terms) => terms.bind(answer),
                        None => answer,
                    }));
                }
                match timer.as_pin_mut().map(|timer| timer.poll(cx)) {
                    Some(Poll::Ready(())) => Poll::Ready(Ok(late().into_http())),
                    Some(Poll::Pending) | None => Poll::Pending,
                }
            }
        }
    }
}
