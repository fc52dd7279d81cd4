//! A response's body under the eye of telemetry: its trailers say how the call ended.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use tonic::Code;

use crate::call::Call;
use crate::status;

pin_project_lite::pin_project! {
    /// A body that ends its call when its trailers pass, and as cancelled when it is dropped before.
    #[derive(Debug)]
    pub struct TracedBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
        context: Option<opentelemetry::Context>,
    }
}

impl<B> TracedBody<B> {
    pub(crate) const fn new(
        inner: B,
        call: Option<Call>,
        context: Option<opentelemetry::Context>,
    ) -> Self {
        Self { inner, call, context }
    }
}

impl<B: Default> Default for TracedBody<B> {
    fn default() -> Self {
        Self::new(B::default(), None, None)
    }
}

impl<B: Body> Body for TracedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let _current = this.context.clone().map(opentelemetry::Context::attach);
        let frame = ready!(this.inner.poll_frame(cx));
        if let Some(call) = this.call {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(code) = frame.trailers_ref().and_then(status::in_metadata) {
                        call.end(code);
                    }
                }
                Some(Err(_)) | None => call.end(Code::Unknown),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
