//! Counts the calls that are under way on each connection, from their first byte to the last of their answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::activity::UnderWay;
use crate::connection::Arrival;

#[derive(Debug, Clone, Copy)]
pub(crate) struct CallsLayer;

impl<S> Layer<S> for CallsLayer {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { inner }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Counting<S> {
    inner: S,
}

impl<S, Q, A> Service<Request<Q>> for Counting<S>
where
    S: Service<Request<Q>, Response = Response<A>>,
{
    type Response = Response<Counted<A, UnderWay>>;
    type Error = S::Error;
    type Future = Answering<S::Future, UnderWay>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let arrival = request.extensions().get::<Arrival>();
        let call = arrival.map(|arrival| UnderWay::on(&arrival.activity));
        Answering::new(self.inner.call(request), call)
    }
}

pin_project! {
    /// A call that has no answer yet, and what is held for it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Answering<F, G> {
        #[pin]
        answer: F,
        call: Option<G>,
    }
}

impl<F, G> Answering<F, G> {
    pub(crate) const fn new(answer: F, call: Option<G>) -> Self {
        Self { answer, call }
    }
}

impl<F, G, A, E> Future for Answering<F, G>
where
    F: Future<Output = Result<Response<A>, E>>,
{
    type Output = Result<Response<Counted<A, G>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx))?;
        let call = this.call.take();
        Poll::Ready(Ok(answer.map(|body| Counted { body, call })))
    }
}

pin_project! {
    /// An answer's body; its call is under way until it is dropped.
    #[derive(Debug)]
    pub struct Counted<A, G> {
        #[pin]
        body: A,
        call: Option<G>,
    }
}

impl<A: Body, G> Body for Counted<A, G> {
    type Data = A::Data;
    type Error = A::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<A::Data>, A::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
