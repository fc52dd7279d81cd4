//! A call that was let through by its head, until its message has arrived and its handler is entered.
//!
//! Invariant: until then it ends like an open stream, at once, when its token does, and in any case after the time that a
//! first message may take; what it holds is free then.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hallpass_policy::{DecisionId, Denial, Refusal, Rule};
use http::Response;
use tokio::time::{Sleep, sleep};
use tonic::Status;
use tonic::body::Body;

use crate::serve::call::{Call, Side};
use crate::serve::caller::Caller;
use crate::serve::guard::Guard;
use crate::serve::limits::PeerAddress;
use crate::serve::slots::Slot;
use crate::serve::streams::Registration;

/// A call that was let through.
pub(super) struct Admitted {
    /// What its permit rests on; none where no token was needed.
    pub(super) call: Option<Arc<Call>>,
    /// Its place among the open streams, from its beginning if it streams, else while it waits for its message.
    pub(super) stream: Option<Registration>,
    /// What it takes of what is shared; dropped with the call.
    pub(super) slot: Slot,
    pub(super) rule: &'static Rule,
    pub(super) decision: DecisionId,
    pub(super) client: Option<PeerAddress>,
    pub(super) guard: Arc<Guard>,
}

/// The time that a first message has left. Made when a call is found waiting, which few are.
pub(super) struct Waiting(Pin<Box<Sleep>>);

impl Admitted {
    /// Looks after a call that waits for its message. Gives the status to end it with.
    pub(super) fn poll_end(
        &mut self,
        waiting: &mut Option<Waiting>,
        cx: &mut Context<'_>,
    ) -> Option<Status> {
        if waiting.is_none()
            && self.stream.is_none()
            && let Some(call) = &self.call
        {
            match self.guard.watch_over(call) {
                Ok(stream) => self.stream = Some(stream),
                Err(denial) => call.cut(denial),
            }
            // Registered first and looked up after, as a stream is: what was revoked since the call was decided ends it here.
            call.look();
        }
        if let Some(status) = self.poll_cut(cx) {
            return Some(status);
        }
        let within = self.guard.first_message;
        let waiting = waiting.get_or_insert_with(|| Waiting(Box::pin(sleep(within))));
        match waiting.0.as_mut().poll(cx) {
            Poll::Ready(()) => Some(overdue(within)),
            Poll::Pending => None,
        }
    }

    /// Refuses a call whose message the transport could not read, so that its handler was not entered. Any other answer stays.
    pub(super) fn unreadable(&self, answer: &Response<Body>) -> Option<Status> {
        // Looked at first: hardly any answer has a status in its head.
        answer.headers().get(Status::GRPC_STATUS)?;
        let status = Status::from_header_map(answer.headers())?;
        let refusal = Refusal::new(Denial::of_transport(&status)?, self.decision);
        let caller = match &self.call {
            Some(call) => call.caller().clone(),
            None => Caller { client: self.client, ..Caller::default() },
        };
        self.guard.note_refused((Some(self.rule), self.rule.path), &refusal, &caller);
        Some(refusal.into())
    }

    /// The status that a call ends with once its permit does not hold any more.
    pub(super) fn poll_cut(&self, cx: &Context<'_>) -> Option<Status> {
        self.call.as_ref()?.poll_cut(Side::Answering, cx)
    }
}

fn overdue(within: Duration) -> Status {
    Status::deadline_exceeded(format!("the request's message did not arrive within {within:?}"))
}
