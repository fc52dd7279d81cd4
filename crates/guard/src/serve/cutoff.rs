//! The bodies of a stream that can be ended from outside.
//!
//! Invariant: once a stream was cut, its handler is given nothing more, and no byte that the transport had not sent is sent later than
//! [`GRACE`] after the cut. What the transport holds then is dropped by resetting the stream. Where it polls nothing, because the
//! client's window is shut, its task is dropped (see `task.rs`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::serve::call::{Call, Side};
use crate::serve::pieces::Pieces;
use crate::serve::streams::Registration;

type Bytes = <Body as http_body::Body>::Data;

/// How long a client may take for what the transport holds at a cut. A client that reads gets the stream's status after it.
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// What the client sends. A cut shows to the handler as a failed read.
pub(super) struct WatchedRequest {
    call: Arc<Call>,
}

impl WatchedRequest {
    pub(super) fn new(body: Body, call: Arc<Call>) -> Self {
        *call.request() = Some(body);
        Self { call }
    }
}

impl http_body::Body for WatchedRequest {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(status) = self.call.poll_cut(Side::Reading, cx) {
            return Poll::Ready(Some(Err(status)));
        }
        let frame = match &mut *self.call.request() {
            Some(body) => ready!(Pin::new(body).poll_frame(cx)),
            // Cut between the look above and this one, which has woken us already.
            None => return Poll::Pending,
        };
        Poll::Ready(frame.map(|frame| frame.map_err(broken_off)))
    }

    fn is_end_stream(&self) -> bool {
        self.call.request().as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.call.request().as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for WatchedRequest {
    fn drop(&mut self) {
        let body = self.call.request().take();
        drop(body);
    }
}

/// What the handler answers. A cut shows to the client as the stream's status.
pub(super) struct WatchedAnswer {
    registration: Option<Registration>,
    pieces: Pieces,
    /// Runs from the cut on, where the transport holds a piece that is not sent.
    grace: Option<Pin<Box<Sleep>>>,
}

impl WatchedAnswer {
    pub(super) fn new(registration: Registration) -> Self {
        Self { registration: Some(registration), pieces: Pieces::default(), grace: None }
    }

    /// The end of a stream that was cut: its status where all that was handed over is sent by then, else a reset.
    fn poll_end(
        &mut self,
        status: &Status,
        at: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Frame<Bytes>, Status>> {
        self.pieces.clear();
        if self.pieces.poll_sent(cx).is_ready() {
            self.registration = None;
            return Poll::Ready(trailers(status));
        }
        let grace = self.grace.get_or_insert_with(|| Box::pin(sleep_until(at)));
        ready!(grace.as_mut().poll(cx));
        self.registration = None;
        Poll::Ready(Err(reset()))
    }
}

impl http_body::Body for WatchedAnswer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(registration) = &this.registration else { return Poll::Ready(None) };
        if let Some(status) = registration.poll_cut(cx) {
            let at = registration.call().cut_at().unwrap_or_else(Instant::now);
            return this.poll_end(&status, at + GRACE, cx).map(Some);
        }
        // One piece after the other, so that the end is not handed over before everything else is sent: afterwards nothing could be
        // taken back.
        ready!(this.pieces.poll_sent(cx));
        loop {
            if let Some(piece) = this.pieces.next() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            let frame = match &mut *registration.call().answer() {
                Some(answer) => ready!(Pin::new(answer).poll_frame(cx)),
                // Cut between the look above and this one, which has woken us already.
                None => return Poll::Pending,
            };
            let last = match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => {
                    this.pieces.fill(data);
                    continue;
                }
                Some(Ok(Err(trailers))) => Some(Ok(trailers)),
                Some(Err(status)) => Some(Err(status)),
                None => None,
            };
            this.registration = None;
            return Poll::Ready(last);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.registration.as_ref().is_none_or(|registration| {
            self.pieces.are_all_sent()
                && registration.call().answer().as_ref().is_some_and(Body::is_end_stream)
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

/// Makes the transport reset the stream with CANCEL, which drops what it holds.
fn reset() -> Status {
    Status::from_error(Box::new(h2::Error::from(h2::Reason::CANCEL)))
}
