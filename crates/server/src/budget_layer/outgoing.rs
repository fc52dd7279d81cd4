//! An answer's body, whose bytes count until they are handed to the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::{Call, Room};
use crate::budget::Account;
use crate::gzip::Gzip;

/// An answer's body.
pub(super) struct Outgoing {
    body: Body,
    call: Arc<Call>,
    room: Room,
    gzip: Option<Gzip>,
    is_over: bool,
}

impl Outgoing {
    pub(super) fn new(body: Body, call: Arc<Call>, gzip: Option<Gzip>) -> Self {
        Self { body, call, room: Room::new(), gzip, is_over: false }
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
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx)?);
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
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.gzip.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

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
        account.take(data.len());
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
        self.account.give_back(self.data.len());
    }
}
