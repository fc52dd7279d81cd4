//! A Labeler that writes down who calls what with which token, and answers all calls alike.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hallpass_contract::labeler::CheckPermissionResponse;
use hallpass_token::inspect;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use prost::bytes::{BufMut, Bytes, BytesMut};
use tonic::Status;
use tonic::body::Body;
use tower::Service;

/// One call as it arrived: its path, and of its token the user, the audience and the scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) subject: String,
    pub(super) audience: String,
    pub(super) scopes: String,
}

/// The recorder. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    /// Whether the user may do what is asked.
    refuses: bool,
    /// The answer to everything but the question what the user may do; an empty message if it is not set.
    answer: Option<Status>,
}

impl Recorder {
    /// From now on everyone may do nothing.
    pub(super) fn refuse(&self, refuses: bool) {
        self.0.lock().unwrap().refuses = refuses;
    }

    /// From now on this is the answer.
    pub(super) fn answer_with(&self, status: Option<Status>) {
        self.0.lock().unwrap().answer = status;
    }

    /// The calls since this was asked last.
    pub(super) fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

impl Service<Request<Body>> for Recorder {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut state = self.0.lock().unwrap();
        state.calls.push(read(&request));
        let answer = if request.uri().path().ends_with("/CheckPermission") {
            let held = if state.refuses { &[][..] } else { &["read", "write", "delete", "share"] };
            let permissions = held.iter().map(|&held| held.to_owned()).collect();
            message(&CheckPermissionResponse { permissions, ..Default::default() })
        } else {
            match &state.answer {
                Some(status) => status.clone().into_http(),
                None => message(&()),
            }
        };
        std::future::ready(Ok(answer))
    }
}

fn read(request: &Request<Body>) -> Call {
    let header = request.headers()["authorization"].to_str().unwrap();
    let claims = inspect(header.strip_prefix("Bearer ").unwrap()).unwrap().payload;
    let text = |name: &str| match &claims[name] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string().replace(['[', ']', '"'], ""),
    };
    Call {
        path: request.uri().path().to_owned(),
        subject: text("sub"),
        audience: text("aud"),
        scopes: text("scopes"),
    }
}

fn message(message: &impl prost::Message) -> Response<Body> {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
    frame.put_slice(&message.encode_to_vec());
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::<Bytes>::new(frame.freeze())
        .with_trailers(async move { Some(Ok::<_, Infallible>(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
