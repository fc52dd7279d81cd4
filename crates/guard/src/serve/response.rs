//! The future of a guarded call. On the unary path nothing is boxed and nothing is looked at a second time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tonic::body::Body;

use crate::Deadline;
use crate::serve::streams::Registration;

type Handler<F> = TaskLocalFuture<Option<Deadline>, F>;

pin_project! {
    /// A call's answer: the refusal, or what the handler says.
    #[must_use = "futures do nothing unless polled"]
    pub struct Answer<F> {
        #[pin]
        way: Way<F>,
    }
}

pin_project! {
    #[project = WayProjected]
    enum Way<F> {
        Refused { refusal: Option<Response<Body>> },
        Unary { #[pin] handler: Handler<F> },
        Stream { #[pin] handler: Option<Handler<F>>, stream: Option<Registration> },
    }
}

impl<F> Answer<F> {
    pub(super) const fn refused(refusal: Response<Body>) -> Self {
        Self { way: Way::Refused { refusal: Some(refusal) } }
    }

    pub(super) const fn unary(handler: Handler<F>) -> Self {
        Self { way: Way::Unary { handler } }
    }

    pub(super) const fn stream(handler: Handler<F>, stream: Registration) -> Self {
        Self { way: Way::Stream { handler: Some(handler), stream: Some(stream) } }
    }
}

impl<F, E> Future for Answer<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjected::Refused { refusal } => match refusal.take() {
                Some(refusal) => Poll::Ready(Ok(refusal)),
                None => Poll::Pending,
            },
            WayProjected::Unary { handler } => handler.poll(cx),
            WayProjected::Stream { mut handler, stream } => {
                let cut = stream.as_ref().and_then(|stream| stream.poll_cut(cx));
                if let Some(status) = cut {
                    handler.set(None);
                    *stream = None;
                    return Poll::Ready(Ok(status.into_http()));
                }
                let Some(running) = handler.as_mut().as_pin_mut() else { return Poll::Pending };
                let answer = std::task::ready!(running.poll(cx));
                handler.set(None);
                Poll::Ready(match (answer, stream.take()) {
                    (Ok(answer), Some(stream)) => Ok(answer.map(|body| stream.watch_answer(body))),
                    (answer, _) => answer,
                })
            }
        }
    }
}
