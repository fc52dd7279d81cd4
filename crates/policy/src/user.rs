//! Which user the current task works for, so that what users share can be shared fairly however far below the handler it is.
//!
//! Invariant: known wherever a call's object check, its handler or the next piece of its answer is polled, without their doing. What they
//! spawn has to be told ([`for_current_user`]).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hallpass_token::{Fingerprint, Verified};
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;

use crate::Permit;

/// The token of a call; `None` where no token was needed.
type Token = Option<Arc<Verified>>;

tokio::task_local! {
    static CALLER: Token;
}

/// The user whom the current task's call counts for ([`Verified::user`]); `None` outside of calls and where no token was needed.
pub fn current_user() -> Option<Fingerprint> {
    CALLER.try_with(|token| token.as_deref().map(Verified::user)).ok().flatten()
}

/// Lets what a call spawns work for its user.
pub fn for_current_user<F: Future>(work: F) -> impl Future<Output = F::Output> {
    CALLER.scope(CALLER.try_with(Token::clone).ok().flatten(), work)
}

/// A service each of whose calls works for its user.
#[derive(Debug, Clone)]
pub struct ForUser<S>(
    /// What the guard lets through comes here.
    pub S,
);

impl<S: NamedService> NamedService for ForUser<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for ForUser<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer<S::Future> {
        let permit = request.extensions().get::<Permit>();
        let token = permit.and_then(Permit::token).cloned();
        let streams = permit.is_some_and(|permit| permit.rule().streams());
        let pieces = if streams { token.clone() } else { None };
        Answer { handler: CALLER.scope(token, self.0.call(request)), pieces }
    }
}

pin_project! {
    /// What a handler answers.
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<F> {
        #[pin]
        handler: TaskLocalFuture<Token, F>,
        // Whom an answer in pieces is for.
        pieces: Token,
    }
}

impl<F, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.handler.poll(cx));
        Poll::Ready(answer.map(|answer| match this.pieces.take() {
            Some(token) => answer.map(|body| Body::new(Pieces { body, token: Some(token) })),
            None => answer,
        }))
    }
}

/// An answer in pieces, each of which is made for the user.
struct Pieces {
    body: Body,
    token: Token,
}

impl http_body::Body for Pieces {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let Self { body, token } = &mut *self;
        CALLER.sync_scope(token.clone(), || Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
