//! An answer's body, whose bytes count until they are handed to the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::{Call, Room};
use crate::budget::Account;
use crate::gzip::Gzip;

/// An answer's body.
pub(super) struct Outgoing {
    body: Body,
    /// The first frame, where it was looked at to know how long the answer is.
    first: Option<Result<Frame<Bytes>, Status>>,
    call: Arc<Call>,
    room: Room,
    gzip: Option<Gzip>,
    is_over: bool,
}

impl Outgoing {
    pub(super) fn new(body: Body, call: Arc<Call>, gzip: Option<Gzip>) -> Self {
        Self { body, first: None, call, room: Room::new(), gzip, is_over: false }
    }

    /// A unary call's message is there with its answer: from now on the body knows its length.
    pub(super) fn look_ahead(&mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(first) = Pin::new(&mut self.body).poll_frame(cx) {
            self.first = first;
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Err(status) = ready!(this.room.poll(&this.call, cx)) {
            this.is_over = true;
            let mut trailers = HeaderMap::new();
            return Poll::Ready(Some(
                status.add_header(&mut trailers).map(|()| Frame::trailers(trailers)),
            ));
        }
        let frame = match this.first.take() {
            Some(first) => Some(first?),
            None => ready!(Pin::new(&mut this.body).poll_frame(cx)?),
        };
        let (account, gzip) = (&this.call.account, &mut this.gzip);
        let hold = |data| {
            let data = match gzip {
                Some(gzip) => gzip.pack(data),
                None => data,
            };
            Piece::hold(data, account)
        };
        Poll::Ready(frame.map(|frame| Ok(frame.map_data(hold))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || (self.first.is_none() && self.body.is_end_stream())
    }

    /// At least what was looked at, before it is packed: the guard asks whether it is much.
    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok());
        let data = first.and_then(Frame::data_ref);
        let mut hint = SizeHint::default();
        hint.set_lower(data.map_or(0, |data| data.len() as u64));
        hint
    }
}

/// What the transport needs to keep a piece that is not sent, in bytes: its call, its stream, its frame.
pub(super) const OVERHEAD: usize = 4 << 10;

/// Bytes that are given back to the budget when the transport has let go of them.
struct Piece {
    data: Bytes,
    account: Arc<Account>,
}

impl Piece {
    fn hold(data: Bytes, account: &Arc<Account>) -> Bytes {
        if data.is_empty() {
            return data;
        }
        account.take(data.len() + OVERHEAD);
        Bytes::from_owner(Self { data, account: Arc::clone(account) })
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.account.give_back(self.data.len() + OVERHEAD);
    }
}
