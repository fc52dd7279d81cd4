//! The server's half: a span for each call that comes in, continuing the caller's trace.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use opentelemetry::KeyValue;
use tower::{Layer, Service};

use crate::call::{Call, OTHER};
use crate::response::TracedResponse;
use crate::status::Side;
use crate::{ServiceTelemetry, TracedBody, propagation};

/// Finds a request's path among those that this process serves, so that spans and metrics take their names from there.
type Known = dyn Fn(&str) -> Option<&'static str> + Send + Sync;

/// Puts a span around every call. The outermost layer, so that refusals are seen, too.
#[derive(Clone)]
pub struct TraceLayer {
    service: ServiceTelemetry,
    known: Arc<Known>,
}

impl TraceLayer {
    /// A layer that reports in the service's name; `known` finds a request's path among those served.
    pub fn new(
        service: ServiceTelemetry,
        known: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        Self { service, known: Arc::new(known) }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace { inner, layer: self.clone() }
    }
}

/// A service with a span around every call.
#[derive(Clone)]
pub struct Trace<S> {
    inner: S,
    layer: TraceLayer,
}

impl<S, Q, A> Service<Request<Q>> for Trace<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
{
    type Response = Response<TracedBody<A>>;
    type Error = S::Error;
    type Future = TracedResponse<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let caller = propagation::extract(request.headers());
        let call = self.layer.start(request.uri().path(), caller.as_ref());
        let context = call.as_ref().map(|call| call.context().clone()).or(caller);
        let current = context.clone().map(opentelemetry::Context::attach);
        let answer = self.inner.call(request);
        drop(current);
        TracedResponse::new(answer, call, context)
    }
}

impl TraceLayer {
    fn start(&self, path: &str, caller: Option<&opentelemetry::Context>) -> Option<Call> {
        let known = (self.known)(path);
        let method = || Cow::Borrowed(known.map_or(OTHER, |path| path.trim_start_matches('/')));
        let attributes = || match known {
            Some(_) => Vec::with_capacity(2),
            None => vec![KeyValue::new("rpc.method_original", short(path).to_owned())],
        };
        let nobody = opentelemetry::Context::new();
        Call::start(&self.service, Side::Server, method, attributes, caller.unwrap_or(&nobody))
    }
}

/// The part of a caller's words that is worth keeping.
fn short(path: &str) -> &str {
    const LONGEST: usize = 128;
    path.get(..LONGEST).unwrap_or(path).trim_start_matches('/')
}
