//! The answer to a call on its way, with the call's context current whenever it is worked on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use tonic::Code;

use crate::TracedBody;
use crate::call::Call;
use crate::status;

pin_project_lite::pin_project! {
    /// A response future that hands its call over to the response's body.
    #[derive(Debug)]
    pub struct TracedResponse<F> {
        #[pin]
        inner: F,
        call: Option<Call>,
        context: Option<opentelemetry::Context>,
    }
}

impl<F> TracedResponse<F> {
    pub(crate) const fn new(
        inner: F,
        call: Option<Call>,
        context: Option<opentelemetry::Context>,
    ) -> Self {
        Self { inner, call, context }
    }
}

impl<F, B, E> Future for TracedResponse<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TracedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let current = this.context.clone().map(opentelemetry::Context::attach);
        let answer = ready!(this.inner.poll(cx));
        drop(current);
        let mut call = this.call.take();
        if let Some(call) = &mut call {
            match &answer {
                Ok(response) => {
                    if let Some(code) = status::in_metadata(response.headers()) {
                        call.end(code);
                    }
                }
                Err(_) => call.end(Code::Unknown),
            }
        }
        let context = this.context.take();
        Poll::Ready(
            answer.map(|response| response.map(|body| TracedBody::new(body, call, context))),
        )
    }
}
