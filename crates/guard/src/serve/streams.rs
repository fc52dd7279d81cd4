//! The calls that can be ended: open streams, and unary calls whose request message has not arrived.
//!
//! Invariant: a stream is in here from before its token is looked up until its last byte is sent; a unary call, from the moment at which
//! its handler first waits until it has the message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use hallpass_policy::Denial;
use tonic::Status;
use tonic::body::Body;

use crate::serve::call::{Call, Side};
use crate::serve::cutoff::{WatchedAnswer, WatchedRequest};
use crate::serve::task::CallTask;

/// All open ones.
#[derive(Default)]
pub(super) struct Streams {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_id: HashMap<u64, Arc<Call>>,
}

impl Streams {
    pub(super) fn register(self: &Arc<Self>, call: Arc<Call>) -> Registration {
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        open.by_id.insert(id, Arc::clone(&call));
        Registration { call, id, streams: Arc::clone(self) }
    }

    /// How many streams are open.
    pub(super) fn len(&self) -> usize {
        self.open().by_id.values().filter(|call| call.rule().streams()).count()
    }

    /// How many unary calls wait for their message.
    pub(super) fn waiting(&self) -> usize {
        self.open().by_id.values().filter(|call| !call.rule().streams()).count()
    }

    /// Ends the unary call of this kind that has waited for its message for the longest. Whether there was one.
    pub(super) fn end_oldest_waiting(&self, kind: impl Fn(&Call) -> bool, why: Denial) -> bool {
        let open = self.open();
        let waiting = open.by_id.iter().filter(|(_, call)| call.waits() && kind(call));
        let oldest = waiting.min_by_key(|(id, _)| **id).map(|(_, call)| Arc::clone(call));
        drop(open);
        oldest.is_some_and(|call| {
            call.cut(why);
            true
        })
    }

    /// Every one. A copy, so that nobody waits while they are looked at.
    pub(super) fn all(&self) -> Vec<Arc<Call>> {
        self.open().by_id.values().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place among the open ones; dropped, it is closed.
pub(super) struct Registration {
    call: Arc<Call>,
    id: u64,
    streams: Arc<Streams>,
}

impl Registration {
    pub(super) fn poll_cut(&self, cx: &Context<'_>) -> Option<Status> {
        self.call.poll_cut(Side::Answering, cx)
    }

    pub(super) fn call(&self) -> &Call {
        &self.call
    }

    /// The client's side: a cut makes the handler's next read fail.
    pub(super) fn watch_request(&self, body: Body) -> Body {
        if self.call.rule().client_streaming {
            return Body::new(WatchedRequest::new(body, Arc::clone(&self.call)));
        }
        body
    }

    /// The server's side: a cut ends it with the reason.
    pub(super) fn watch_answer(self, body: Body) -> Body {
        *self.call.answer() = Some(body);
        if let Some(task) = CallTask::current() {
            self.call.note_sending(&task);
        }
        Body::new(WatchedAnswer::new(self))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.streams.open().by_id.remove(&self.id);
        let answer = self.call.answer().take();
        drop((removed, answer));
    }
}
