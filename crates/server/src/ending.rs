//! A response's body that is ended from outside, with a status that the client can read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// When, and with which status, a stream is ended.
pub(crate) type End = Pin<Box<dyn Future<Output = Status> + Send>>;

pin_project_lite::pin_project! {
    /// A stream's body until its end.
    pub(crate) struct Ending {
        #[pin]
        inner: Body,
        end: End,
        ended: bool,
    }
}

impl Ending {
    pub(crate) const fn new(inner: Body, end: End) -> Self {
        Self { inner, end, ended: false }
    }
}

impl http_body::Body for Ending {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let this = self.project();
        if *this.ended {
            return Poll::Ready(None);
        }
        // The end before the stream: one that is never silent would never be ended otherwise.
        let Poll::Ready(status) = this.end.as_mut().poll(cx) else {
            return this.inner.poll_frame(cx);
        };
        *this.ended = true;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
