//! The streams that are open, so that each can be ended when its token is.
//!
//! Invariant: a stream is in here from before its token is looked up until its last byte is sent.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use futures_util::task::AtomicWaker;
use hallpass_policy::{DecisionId, Denial, Refusal, Rule, WhenStale};
use hallpass_token::{SKEW, TokenError, UnixTime, Verified};
use tonic::Status;
use tonic::body::Body;

use crate::serve::cutoff::{WatchedAnswer, WatchedRequest};
use crate::serve::refusals::Refusals;
use crate::serve::report;

/// Why a stream is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ending {
    Revoked = 1,
    Expired = 2,
    Stale = 3,
    KeyGone = 4,
}

impl Ending {
    const fn denial(self) -> Denial {
        match self {
            Self::Revoked => Denial::TokenRevoked,
            Self::Expired => Denial::TokenExpired,
            Self::Stale => Denial::ListStale,
            Self::KeyGone => Denial::TokenInvalid(TokenError::KeyRetired),
        }
    }

    const fn read(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Revoked),
            2 => Some(Self::Expired),
            3 => Some(Self::Stale),
            4 => Some(Self::KeyGone),
            _ => None,
        }
    }
}

/// One open stream: what it stands on, and what to wake and to drop when that gives way.
pub(super) struct Stream {
    rule: &'static Rule,
    decision: DecisionId,
    tokens: Vec<Arc<Verified>>,
    /// Zero while it may go on, else an [`Ending`].
    ending: AtomicU8,
    answering: AtomicWaker,
    reading: AtomicWaker,
    /// The handler's answer. In here, so that it is dropped even while the client does not read and nobody polls it.
    answer: Mutex<Option<Body>>,
    refusals: Arc<Refusals>,
}

impl Stream {
    /// The tokens that it stands on.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Verified> {
        self.tokens.iter().map(AsRef::as_ref)
    }

    pub(super) fn ends_when_stale(&self) -> bool {
        self.rule.when_stale == WhenStale::Refuse
    }

    /// Ends it: whoever waits for it is woken, and what the handler still had to say is dropped, in a task of its own, so that no
    /// handler's clean-up holds up or breaks the watch over the other streams.
    pub(super) fn cut(&self, ending: Ending) {
        let first =
            self.ending.compare_exchange(0, ending as u8, Ordering::SeqCst, Ordering::SeqCst);
        if first.is_err() {
            return;
        }
        let refusal = Refusal { denial: ending.denial(), decision: self.decision };
        report::ended(self.rule.path, &refusal.denial, self.decision);
        self.refusals.note((Some(self.rule), self.rule.path), &refusal, self.tokens().next());
        let answer = self.answer().take();
        self.answering.wake();
        self.reading.wake();
        tokio::spawn(async move { drop(answer) });
    }

    /// The status that a cut stream ends with. Registers who asks, so that it is woken by a cut.
    pub(super) fn poll_cut(&self, by: Side, cx: &Context<'_>) -> Option<Status> {
        let waker = match by {
            Side::Answering => &self.answering,
            Side::Reading => &self.reading,
        };
        waker.register(cx.waker());
        let ending = Ending::read(self.ending.load(Ordering::SeqCst))?;
        Some(ending.denial().into_status(self.decision))
    }

    pub(super) fn answer(&self) -> MutexGuard<'_, Option<Body>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first instant at which one of its tokens has ended.
    fn ends(&self) -> Option<UnixTime> {
        self.tokens().filter_map(Verified::expires_at).min().map(|end| end.plus(SKEW))
    }
}

/// Who waits for a stream: the one that sends the answer, or the one that reads the request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Answering,
    Reading,
}

/// All open streams.
pub(super) struct Streams {
    open: Mutex<Open>,
    refusals: Arc<Refusals>,
}

#[derive(Default)]
struct Open {
    next: u64,
    by_id: HashMap<u64, Arc<Stream>>,
    by_end: BTreeSet<(UnixTime, u64)>,
}

impl Streams {
    /// None yet; whose end is to be remembered as a refusal.
    pub(super) fn new(refusals: Arc<Refusals>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), refusals })
    }

    pub(super) fn register(
        self: &Arc<Self>,
        rule: &'static Rule,
        decision: DecisionId,
        tokens: Vec<Arc<Verified>>,
    ) -> Registration {
        let stream = Arc::new(Stream {
            rule,
            decision,
            tokens,
            ending: AtomicU8::new(0),
            answering: AtomicWaker::new(),
            reading: AtomicWaker::new(),
            answer: Mutex::new(None),
            refusals: Arc::clone(&self.refusals),
        });
        let id = self.open().add(Arc::clone(&stream));
        Registration { stream, id, streams: Arc::clone(self) }
    }

    pub(super) fn len(&self) -> usize {
        self.open().by_id.len()
    }

    /// Every open stream. A copy, so that nobody waits while they are looked at.
    pub(super) fn all(&self) -> Vec<Arc<Stream>> {
        self.open().by_id.values().cloned().collect()
    }

    /// The streams whose token has ended by now.
    pub(super) fn ended(&self, now: UnixTime) -> Vec<Arc<Stream>> {
        let open = self.open();
        let ended = open.by_end.range(..=(now, u64::MAX));
        ended.filter_map(|(_, id)| open.by_id.get(id).cloned()).collect()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn add(&mut self, stream: Arc<Stream>) -> u64 {
        let id = self.next;
        self.next += 1;
        if let Some(end) = stream.ends() {
            self.by_end.insert((end, id));
        }
        self.by_id.insert(id, stream);
        id
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Stream>> {
        let stream = self.by_id.remove(&id)?;
        if let Some(end) = stream.ends() {
            self.by_end.remove(&(end, id));
        }
        Some(stream)
    }
}

/// A stream's place among the open ones; dropped, it is closed.
pub(super) struct Registration {
    stream: Arc<Stream>,
    id: u64,
    streams: Arc<Streams>,
}

impl Registration {
    pub(super) fn poll_cut(&self, cx: &Context<'_>) -> Option<Status> {
        self.stream.poll_cut(Side::Answering, cx)
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The client's side: a cut makes the handler's next read fail.
    pub(super) fn watch_request(&self, body: Body) -> Body {
        if self.stream.rule.client_streaming {
            return Body::new(WatchedRequest::new(body, Arc::clone(&self.stream)));
        }
        body
    }

    /// The server's side: a cut ends it with the reason.
    pub(super) fn watch_answer(self, body: Body) -> Body {
        *self.stream.answer() = Some(body);
        Body::new(WatchedAnswer::new(self))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.streams.open().remove(self.id);
        let answer = self.stream.answer().take();
        drop((removed, answer));
    }
}
