//! The client's half: a span for each call that goes out, and the metadata by which the callee continues the trace.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use opentelemetry::KeyValue;
use tower::{Layer, Service};

use crate::call::Call;
use crate::response::TracedResponse;
use crate::status::Side;
use crate::{ServiceTelemetry, TracedBody, propagation};

/// Puts a span around every call that goes out. The outermost layer of a client.
#[derive(Debug, Clone)]
pub struct ClientTraceLayer {
    service: ServiceTelemetry,
    peer: Arc<Peer>,
}

#[derive(Debug)]
struct Peer {
    address: String,
    port: u16,
}

impl ClientTraceLayer {
    /// A layer that reports in the calling service's name; `address` and `port` say who is called.
    pub fn new(service: ServiceTelemetry, address: &str, port: u16) -> Self {
        Self { service, peer: Arc::new(Peer { address: address.to_owned(), port }) }
    }
}

impl<S> Layer<S> for ClientTraceLayer {
    type Service = ClientTrace<S>;

    fn layer(&self, inner: S) -> ClientTrace<S> {
        ClientTrace { inner, layer: self.clone() }
    }
}

/// A client with a span around every call.
#[derive(Debug, Clone)]
pub struct ClientTrace<S> {
    inner: S,
    layer: ClientTraceLayer,
}

impl<S, Q, A> Service<Request<Q>> for ClientTrace<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
{
    type Response = Response<TracedBody<A>>;
    type Error = S::Error;
    type Future = TracedResponse<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Q>) -> Self::Future {
        let caller = opentelemetry::Context::current();
        let path = request.uri().path().trim_start_matches('/');
        let call = self.layer.start(path, &caller);
        let context = call.as_ref().map_or(caller, |call| call.context().clone());
        propagation::inject(&context, request.headers_mut());
        let current = context.clone().attach();
        let answer = self.inner.call(request);
        drop(current);
        TracedResponse::new(answer, call, Some(context))
    }
}

impl ClientTraceLayer {
    fn start(&self, method: &str, caller: &opentelemetry::Context) -> Option<Call> {
        let attributes = || {
            vec![
                KeyValue::new("server.address", self.peer.address.clone()),
                KeyValue::new("server.port", i64::from(self.peer.port)),
            ]
        };
        let method = || Cow::Owned(method.to_owned());
        Call::start(&self.service, Side::Client, method, attributes, caller)
    }
}
