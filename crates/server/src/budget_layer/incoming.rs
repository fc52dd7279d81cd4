//! A request's body, whose messages are held to the contract's length and whose bytes are held to the budget.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hallpass_policy::Denial;
use http_body::{Body as _, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::{Call, Room, full};
use crate::framing::Framing;
use crate::gunzip::{Gunzip, Unusable};
use crate::gzip::Encoding;

/// A request's body.
pub(super) struct Incoming {
    body: Body,
    call: Arc<Call>,
    messages: Messages,
    room: Room,
    /// Held for as long as the body is.
    ahead: usize,
}

/// How far its messages have come.
enum Messages {
    Plain(Framing),
    Zipped(Box<Gunzip>),
}

type Polled = Poll<Option<Result<Frame<Bytes>, Status>>>;

impl Incoming {
    pub(super) fn new(body: Body, call: Arc<Call>, ahead: usize, encoding: Encoding) -> Self {
        call.account.take(ahead);
        let messages = match encoding {
            Encoding::Gzip => Messages::Zipped(Box::default()),
            Encoding::None | Encoding::Unknown => Messages::Plain(Framing::default()),
        };
        Self { body, call, messages, room: Room::new(), ahead }
    }

    /// Waits until more of the request may be held.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let (account, streams) = (&self.call.account, self.call.permit.rule().client_streaming);
        let whole = match &self.messages {
            Messages::Plain(framing) => framing.is_whole(),
            Messages::Zipped(gunzip) => gunzip.held() == 0,
        };
        if streams && whole {
            // Asked for more: what has come is with the handler, who asks when it is done with it.
            account.give_request_back();
        }
        if streams {
            return self.room.poll(&self.call, cx);
        }
        if account.poll_room(self.room.who, cx).is_pending() {
            // It does not wait: what its client sends meanwhile would be held all the same.
            return Poll::Ready(Err(self.call.permit.refuse(full()).into()));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_plain(&mut self, cx: &mut Context<'_>) -> Polled {
        ready!(self.poll_room(cx))?;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)?);
        if let Messages::Plain(framing) = &mut self.messages
            && let Some(data) = frame.as_ref().and_then(Frame::data_ref)
        {
            let advanced = framing.advance(data, self.call.permit.rule().request_bytes);
            advanced.map_err(|length| self.call.refuse(Unusable::TooLong(length.into())))?;
            self.call.account.take_for_request(data.len());
        }
        Poll::Ready(frame.map(Ok))
    }

    /// One message at a time, so that there is a look at the budget between any two.
    fn poll_zipped(&mut self, cx: &mut Context<'_>) -> Polled {
        loop {
            ready!(self.poll_room(cx))?;
            let Messages::Zipped(gunzip) = &mut self.messages else { return Poll::Ready(None) };
            if gunzip.is_done() {
                let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)?);
                match frame.map(Frame::into_data) {
                    Some(Ok(data)) => gunzip.push(data),
                    Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                    None if gunzip.is_whole() => return Poll::Ready(None),
                    None => {
                        let cut =
                            Unusable::Corrupt("the request ended within a message".to_owned());
                        return Poll::Ready(Some(Err(self.call.refuse(cut))));
                    }
                }
            }
            let before = gunzip.held();
            let message = gunzip.next(self.call.permit.rule().request_bytes);
            let message = message.map_err(|unusable| self.call.refuse(unusable))?;
            let after = message.as_ref().map_or_else(|| gunzip.held(), Bytes::len);
            self.call.account.take_for_request(after.saturating_sub(before));
            if let Some(message) = message {
                return Poll::Ready(Some(Ok(Frame::data(message))));
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.call.account.give_back(self.ahead);
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match self.messages {
            Messages::Plain(_) => self.poll_plain(cx),
            Messages::Zipped(_) => self.poll_zipped(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        let looked_at = match &self.messages {
            Messages::Plain(_) => true,
            Messages::Zipped(gunzip) => gunzip.is_whole(),
        };
        looked_at && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.messages {
            Messages::Plain(_) => self.body.size_hint(),
            Messages::Zipped(_) => SizeHint::default(),
        }
    }
}

impl Call {
    fn refuse(&self, unusable: Unusable) -> Status {
        let most = self.permit.rule().request_bytes;
        let denial = match unusable {
            Unusable::TooLong(length) => Denial::MessageTooLarge { length, most },
            Unusable::Corrupt(why) => Denial::MessageUnreadable(why.into()),
        };
        self.permit.refuse(denial).into()
    }
}
