//! Waits as long as a service says, and asks again.
//!
//! Invariant: nothing is done twice. A call is sent again only if it was refused for its pace (`RESOURCE_EXHAUSTED`, `TOO_MANY`, with
//! `RetryInfo`): the guard says that before the handler is entered, and a handler that keeps a pace of its own says it before it does
//! anything. Only calls of one message are sent again, a few times, and never past the caller's deadline.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use hallpass_policy::ERROR_DOMAIN;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Layer, Service};

use crate::{Deadline, Rules};

/// How often a call is sent again.
const AGAIN: usize = 4;

/// The least wait before each: it doubles, whatever the service says.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// How long a call without a deadline waits in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes a client wait where it comes too often.
#[derive(Debug, Clone, Copy)]
pub struct PatienceLayer {
    rules: Rules,
}

impl PatienceLayer {
    /// By these rules it tells calls of one message from streams.
    pub const fn new(rules: Rules) -> Self {
        Self { rules }
    }
}

impl<S> Layer<S> for PatienceLayer {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient { inner, rules: self.rules }
    }
}

/// A channel whose calls wait where they come too often. It stands outside the layer that attaches tokens: each attempt gets its own.
#[derive(Debug, Clone)]
pub struct Patient<S> {
    inner: S,
    rules: Rules,
}

impl<S> Service<Request<Body>> for Patient<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let rule = (self.rules)(request.uri().path());
        if rule.is_none_or(|rule| rule.client_streaming) {
            return Box::pin(self.inner.call(request));
        }
        let other = self.inner.clone();
        // The one that is ready makes the call; its clone is not ready yet.
        let ready = std::mem::replace(&mut self.inner, other);
        Box::pin(patiently(ready, request))
    }
}

async fn patiently<S>(mut inner: S, request: Request<Body>) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    let (parts, body) = request.into_parts();
    let message = match body.collect().await {
        Ok(message) => message.to_bytes(),
        Err(status) => return Ok(status.into_http()),
    };
    let again =
        |parts: &Parts| Request::from_parts(parts.clone(), Body::new(Full::new(message.clone())));
    let (mut waits, end) = (waits(), end(&parts, Instant::now()));
    let mut request = again(&parts);
    loop {
        let answer = inner.call(request).await?;
        let Some(wait) = told(answer.headers()).and_then(|told| Some(told.max(waits.next()?)))
        else {
            return Ok(answer);
        };
        if Instant::now() + wait >= end {
            return Ok(answer);
        }
        tracing::debug!(
            rpc = parts.uri.path(),
            ?wait,
            "refused for its pace; asked again after the wait"
        );
        tokio::time::sleep(wait).await;
        request = again(&parts);
        // The server is told of the time that is left.
        if is_bounded(&parts) && Deadline(end).write(request.headers_mut(), Instant::now()).is_err()
        {
            return Ok(answer);
        }
        std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
    }
}

/// How long the service wants to be left alone, where it refused a call for its pace.
fn told(headers: &HeaderMap) -> Option<Duration> {
    let status = Status::from_header_map(headers)?;
    if status.code() != Code::ResourceExhausted {
        return None;
    }
    let details = status.get_error_details();
    let info = details.error_info()?;
    if (info.domain.as_str(), info.reason.as_str()) != (ERROR_DOMAIN, "TOO_MANY") {
        return None;
    }
    details.retry_info()?.retry_delay
}

/// Until when the caller waits.
fn end(parts: &Parts, now: Instant) -> Instant {
    let stated = Deadline::stated(&parts.headers).and_then(|left| now.checked_add(left));
    let served = parts.extensions.get::<Deadline>().map(|deadline| deadline.0);
    stated.into_iter().chain(served).min().unwrap_or(now + PATIENCE)
}

fn is_bounded(parts: &Parts) -> bool {
    Deadline::stated(&parts.headers).is_some() || parts.extensions.get::<Deadline>().is_some()
}

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_times(AGAIN).build()
}
