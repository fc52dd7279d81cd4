//! Answers what is not gRPC with an HTTP status: 404 for paths that nothing is served under, 405 for other methods than a path has, 415
//! for a POST of another type. Paths that are fetched by plain HTTP are let through.
//!
//! Invariant: no request that is not gRPC is answered with 200 but for a document that is served.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::{Either, Ready, ready};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use tonic::body::Body;
use tower::{Layer, Service};

/// Tells gRPC from other requests.
#[derive(Clone)]
pub(crate) struct PlainHttpLayer {
    shared: Arc<Shared>,
}

struct Shared {
    documents: Vec<&'static str>,
    is_rpc: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl PlainHttpLayer {
    /// A layer that lets gRPC and requests for these documents pass. `is_rpc` says whether a path is one of gRPC.
    pub(crate) fn new(
        documents: Vec<&'static str>,
        is_rpc: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { shared: Arc::new(Shared { documents, is_rpc: Box::new(is_rpc) }) }
    }
}

impl fmt::Debug for PlainHttpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainHttpLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for PlainHttpLayer {
    type Service = PlainHttp<S>;

    fn layer(&self, inner: S) -> PlainHttp<S> {
        PlainHttp { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service that only gRPC and requests for documents reach.
#[derive(Clone)]
pub(crate) struct PlainHttp<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request<Body>> for PlainHttp<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.shared.refusal(&request) {
            None => Either::Left(self.inner.call(request)),
            Some(refusal) => Either::Right(ready(Ok(refusal.into_response()))),
        }
    }
}

/// A request that is not let through, with the methods that its path has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotFound,
    NotAllowed(&'static str),
    NotGrpc,
    NotHttp2,
}

impl Shared {
    fn refusal(&self, request: &Request<Body>) -> Option<Refusal> {
        let (method, path) = (request.method(), request.uri().path());
        if self.documents.contains(&path) {
            let fetches = [Method::GET, Method::HEAD].contains(method);
            return (!fetches).then_some(Refusal::NotAllowed("GET, HEAD"));
        }
        let posts = method == Method::POST;
        if posts && is_grpc(request.headers()) {
            // Its status is in trailers, which HTTP/1.1 clients do not read.
            let old = request.version() < Version::HTTP_2;
            // A path that is not served is the guard's to refuse, as gRPC.
            return old.then_some(Refusal::NotHttp2);
        }
        if hallpass_guard::http_path(path).is_some() || !(self.is_rpc)(path) {
            return Some(Refusal::NotFound);
        }
        Some(if posts { Refusal::NotGrpc } else { Refusal::NotAllowed("POST") })
    }
}

/// Whether the message is one of gRPC in protobuf: `application/grpc` or `application/grpc+proto`, with or without parameters.
fn is_grpc(headers: &HeaderMap) -> bool {
    let stated = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(kind) = stated.and_then(|value| value.split(';').next()) else { return false };
    ["application/grpc", "application/grpc+proto"]
        .iter()
        .any(|grpc| kind.trim().eq_ignore_ascii_case(grpc))
}

impl Refusal {
    fn into_response(self) -> Response<Body> {
        let (status, text) = match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "nothing is served here: this port speaks gRPC\n")
            }
            Self::NotAllowed(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "this path has other methods\n")
            }
            Self::NotGrpc => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this is a gRPC method: call it with content-type application/grpc\n",
            ),
            Self::NotHttp2 => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2\n"),
        };
        let mut response = Response::new(Body::new(http_body_util::Full::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Self::NotAllowed(methods) = self {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const RPC: &str = "/hallpass.auth.v1.TokenService/IntrospectToken";
    const JWKS: &str = "/.well-known/jwks.json";

    fn refusal(
        layer: &PlainHttpLayer,
        (method, path, kind): (&str, &str, &str),
        version: Version,
    ) -> Option<Refusal> {
        let request = Request::builder().method(method).uri(path).version(version);
        let request = match kind {
            "" => request,
            kind => request.header(CONTENT_TYPE, kind),
        };
        layer.shared.refusal(&request.body(Body::empty()).unwrap())
    }

    fn is_rpc(path: &str) -> bool {
        hallpass_contract::rule(path).is_some() || hallpass_guard::public_rule(path).is_some()
    }

    #[test]
    fn what_is_not_grpc_gets_an_http_status() {
        use Refusal::{NotAllowed, NotFound, NotGrpc, NotHttp2};
        let rows = [
            (("POST", RPC, "application/grpc"), None),
            (("POST", RPC, "application/grpc+proto"), None),
            (("POST", RPC, "application/grpc; charset=utf-8"), None),
            (("POST", "/a.B/C", "application/grpc"), None),
            (("POST", RPC, "application/grpc+json"), Some(NotGrpc)),
            (("POST", RPC, "application/grpc-web+proto"), Some(NotGrpc)),
            (("POST", RPC, "application/json"), Some(NotGrpc)),
            (("POST", RPC, ""), Some(NotGrpc)),
            (("GET", RPC, "application/grpc"), Some(NotAllowed("POST"))),
            (("GET", RPC, ""), Some(NotAllowed("POST"))),
            (("OPTIONS", RPC, ""), Some(NotAllowed("POST"))),
            (("PUT", "/grpc.health.v1.Health/Check", ""), Some(NotAllowed("POST"))),
            (("GET", "/", ""), Some(NotFound)),
            (("HEAD", "/healthz", ""), Some(NotFound)),
            (("POST", "/api", "application/json"), Some(NotFound)),
            (("GET", JWKS, ""), None),
            (("HEAD", JWKS, ""), None),
            (("POST", JWKS, "application/grpc"), Some(NotAllowed("GET, HEAD"))),
            (("DELETE", JWKS, ""), Some(NotAllowed("GET, HEAD"))),
        ];
        let layer = PlainHttpLayer::new(vec![JWKS], is_rpc);
        for (request, expected) in rows {
            assert_eq!(refusal(&layer, request, Version::HTTP_2), expected, "{request:?}");
        }
        let old = ("POST", RPC, "application/grpc");
        assert_eq!(refusal(&layer, old, Version::HTTP_11), Some(NotHttp2));
        let without = PlainHttpLayer::new(Vec::new(), is_rpc);
        assert_eq!(refusal(&without, ("GET", JWKS, ""), Version::HTTP_11), Some(NotFound));
    }
}
