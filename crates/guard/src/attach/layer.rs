//! The client's half as a tower layer over a channel.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hallpass_token::UnixTime;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::attach::Attach;
use crate::attach::authority::Authority;
use crate::attach::minted::Ready;
use crate::{ACTION_HEADER, Deadline};

/// Puts tokens on the calls of a client.
#[derive(Debug, Clone)]
pub struct AttachLayer {
    attach: Attach,
}

impl AttachLayer {
    /// A layer that mints as `attach` says.
    pub const fn new(attach: Attach) -> Self {
        Self { attach }
    }
}

impl<S> Layer<S> for AttachLayer {
    type Service = Attached<S>;

    fn layer(&self, inner: S) -> Attached<S> {
        Attached { inner, attach: self.attach.clone() }
    }
}

/// A channel whose calls carry tokens.
#[derive(Debug, Clone)]
pub struct Attached<S> {
    inner: S,
    attach: Attach,
}

/// When the token of a call ends. In the extensions of its response, for those that must call again in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenExpiry(pub UnixTime);

impl<S> Service<Request<Body>> for Attached<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Sending<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let way = match self.attach.prepare(&mut request) {
            Ok(minted) => Way::Sent { answer: self.inner.call(request), minted },
            Err(status) => Way::Refused { status: Some(status) },
        };
        Sending { way }
    }
}

impl Attach {
    /// Puts token and deadline on a request.
    fn prepare(&self, request: &mut Request<Body>) -> Result<Option<Arc<Ready>>, Status> {
        let deadline = request.extensions_mut().remove::<Deadline>();
        let authority = request.extensions_mut().remove::<Authority>();
        request.headers_mut().remove(ACTION_HEADER);
        request.headers_mut().remove(AUTHORIZATION);
        if let Some(deadline) = deadline {
            let passed = |_| Status::deadline_exceeded("the caller's deadline has passed");
            deadline.write(request.headers_mut(), Instant::now()).map_err(passed)?;
        }
        let Some(minted) = self.token(request.uri().path(), authority.as_ref())? else {
            return Ok(None);
        };
        request.headers_mut().insert(AUTHORIZATION, minted.header().clone());
        Ok(Some(minted))
    }
}

pin_project! {
    /// A call under way, or refused before it was sent.
    #[must_use = "futures do nothing unless polled"]
    pub struct Sending<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way<F> {
        Refused { status: Option<Status> },
        Sent { #[pin] answer: F, minted: Option<Arc<Ready>> },
    }
}

impl<F, E> Future for Sending<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjected::Refused { status } => match status.take() {
                Some(status) => Poll::Ready(Ok(status.into_http())),
                None => Poll::Pending,
            },
            WayProjected::Sent { answer, minted } => {
                let mut answer = ready!(answer.poll(cx));
                if let (Ok(answer), Some(minted)) = (&mut answer, minted.take()) {
                    if is_unauthenticated(answer) {
                        minted.refuse();
                    }
                    if let Some(end) = minted.expires_at() {
                        answer.extensions_mut().insert(TokenExpiry(end));
                    }
                }
                Poll::Ready(answer)
            }
        }
    }
}

/// Whether the service did not accept who calls: such an answer ends with its headers.
fn is_unauthenticated(answer: &Response<Body>) -> bool {
    let status = answer.headers().get("grpc-status");
    status.is_some_and(|status| Code::from_bytes(status.as_bytes()) == Code::Unauthenticated)
}
