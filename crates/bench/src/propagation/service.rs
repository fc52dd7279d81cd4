//! What a node serves: a call, a call that goes on while the node is stale, and a stream that never ends by itself.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use hallpass_policy::{Access, Rule, WhenStale};
use hallpass_token::TokenType;
use http::{Request, Response};
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{NamedService, ServerStreamingService};
use tower::Service;

use crate::echo::{Bytes, Same};

/// An ordinary call.
pub(super) const GET: &str = "/bench.Node/Get";
/// A call that a stale node serves, too.
pub(super) const KNOWN: &str = "/bench.Node/Known";
/// A stream of one message that stays open.
pub(super) const STAY: &str = "/bench.Node/Stay";

const fn unary(path: &'static str, method: &'static str, when_stale: WhenStale) -> Rule {
    Rule {
        path,
        service: "bench.Node",
        method,
        audience: "labeler",
        access: Access::Tokens { types: &[TokenType::Service], action: None },
        scope: Some("labeler:read"),
        resources: &[],
        delegates: &[],
        when_stale,
        request_bytes: 16 << 10,
        client_streaming: false,
        server_streaming: false,
        description: "Answer with the same bytes",
    }
}

static RULES: [Rule; 3] = [
    unary(GET, "Get", WhenStale::Refuse),
    unary(KNOWN, "Known", WhenStale::Serve),
    Rule { server_streaming: true, ..unary(STAY, "Stay", WhenStale::Refuse) },
];

/// The rule of a path.
pub(super) fn rule(path: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.path == path)
}

/// The service.
#[derive(Debug, Clone)]
pub(super) struct Served;

impl NamedService for Served {
    const NAME: &'static str = "bench.Node";
}

impl Service<Request<Body>> for Served {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Bytes);
            Ok(match request.uri().path() {
                STAY => grpc.server_streaming(Stays, request).await,
                _ => grpc.unary(Same::Entered, request).await,
            })
        })
    }
}

struct Stays;

impl ServerStreamingService<Vec<u8>> for Stays {
    type Response = Vec<u8>;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
    type Future = Ready<Result<tonic::Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Vec<u8>>) -> Self::Future {
        let first = tokio_stream::once(Ok(request.into_inner()));
        let stream: Self::ResponseStream = Box::pin(first.chain(tokio_stream::pending()));
        ready(Ok(tonic::Response::new(stream)))
    }
}
