//! The bodies of a stream that can be ended from outside.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::serve::call::{Call, Side};
use crate::serve::streams::Registration;

type Bytes = <Body as http_body::Body>::Data;

/// What the client sends. A cut shows to the handler as a failed read.
pub(super) struct WatchedRequest {
    body: Body,
    call: Arc<Call>,
}

impl WatchedRequest {
    pub(super) const fn new(body: Body, call: Arc<Call>) -> Self {
        Self { body, call }
    }
}

impl http_body::Body for WatchedRequest {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(status) = self.call.poll_cut(Side::Reading, cx) {
            return Poll::Ready(Some(Err(status)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(broken_off)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the handler answers. A cut shows to the client as the stream's status.
pub(super) struct WatchedAnswer {
    registration: Option<Registration>,
}

impl WatchedAnswer {
    pub(super) const fn new(registration: Registration) -> Self {
        Self { registration: Some(registration) }
    }
}

impl http_body::Body for WatchedAnswer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(registration) = &self.registration else { return Poll::Ready(None) };
        if let Some(status) = registration.poll_cut(cx) {
            self.registration = None;
            return Poll::Ready(Some(trailers(&status)));
        }
        let frame = match &mut *registration.call().answer() {
            Some(answer) => ready!(Pin::new(answer).poll_frame(cx)),
            // Cut between the look above and this one, which has woken us already.
            None => return Poll::Pending,
        };
        if frame.is_none() {
            self.registration = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.registration.as_ref().is_none_or(|registration| {
            registration.call().answer().as_ref().is_some_and(Body::is_end_stream)
        })
    }
}

/// A client's reset is an error to the handler. tonic would read CANCELLED as the stream's regular end: half an upload would look whole.
fn broken_off(status: Status) -> Status {
    match status.code() {
        Code::Cancelled => Status::aborted("the client broke the stream off"),
        _ => status,
    }
}

fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut trailers = HeaderMap::new();
    status.add_header(&mut trailers)?;
    Ok(Frame::trailers(trailers))
}
