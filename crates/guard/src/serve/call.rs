//! A call that was let in with a token: what its permit rests on, and what to wake and to drop when that gives way.
//!
//! Invariant: a unary call is either cut or enters its handler, whichever comes first. What does not hold any more when its message
//! arrives reaches no handler.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Context;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use hallpass_policy::{DecisionId, Denial, Failure, Permit, Refusal, Rule, Witness, validity};
use hallpass_token::Fingerprint;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use crate::Deadline;
use crate::serve::caller::Caller;
use crate::serve::holder::Holder;
use crate::serve::streams::Registration;
use crate::serve::task::CallTask;
use crate::serve::{Guard, report};

/// One call.
pub(super) struct Call {
    guard: Arc<Guard>,
    rule: &'static Rule,
    decision: DecisionId,
    caller: Caller,
    fate: OnceLock<Fate>,
    answering: AtomicWaker,
    reading: AtomicWaker,
    /// The handler's answer. In here, so that it is dropped even while the client does not read and nobody polls it.
    answer: Mutex<Option<Body>>,
    /// What a streaming client still sends. In here, so that nobody takes it out of the transport after a cut, and the transport can reset
    /// the stream.
    request: Mutex<Option<Body>>,
    /// The transport's task, once it sends the answer.
    sending: OnceLock<Weak<CallTask>>,
    /// When the answer of a unary call that has entered its handler was taken back.
    withheld: OnceLock<(Denial, Instant)>,
}

/// What has become of a call. The first one stays.
enum Fate {
    /// Its message has arrived and its handler runs, which is not cut: only for unary calls.
    Entered,
    /// It was ended.
    Cut(Denial, Instant),
}

/// Who waits for a call: the one that sends the answer, or the one that reads the request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Answering,
    Reading,
}

impl Call {
    pub(super) fn new(
        guard: &Arc<Guard>,
        rule: &'static Rule,
        decision: DecisionId,
        caller: Caller,
    ) -> Arc<Self> {
        Arc::new(Self {
            guard: Arc::clone(guard),
            rule,
            decision,
            caller,
            fate: OnceLock::new(),
            answering: AtomicWaker::new(),
            reading: AtomicWaker::new(),
            answer: Mutex::new(None),
            request: Mutex::new(None),
            sending: OnceLock::new(),
            withheld: OnceLock::new(),
        })
    }

    pub(super) const fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// Whether it is a unary call that has not entered its handler.
    pub(super) fn waits(&self) -> bool {
        !self.rule.streams() && self.fate.get().is_none()
    }

    /// Whether its token is of this root, or of the same agents of it.
    pub(super) fn is_of(&self, holder: &Holder) -> bool {
        self.caller.bearer.as_ref().is_some_and(|known| known.holder.shares_with(holder))
    }

    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Ends it if its permit does not hold any more.
    pub(super) fn look(&self) {
        if let Err(denial) = self.holds() {
            self.cut(denial);
        }
    }

    fn holds(&self) -> Result<(), Denial> {
        validity(&self.caller.facts(self.rule, &self.guard), self.guard.clock.now())
    }

    /// Ends it: whoever waits for it is woken, and what the handler still had to say or to read is dropped, in a task of its own, so
    /// that no handler's clean-up holds up or breaks the watch over the other calls.
    pub(super) fn cut(&self, denial: Denial) {
        let now = Instant::now();
        let sending = self.sending.get().and_then(Weak::upgrade);
        let begun = self.fate.set(Fate::Cut(denial.clone(), now)).is_err();
        // What has entered is not cut, but what it answered is taken back while its client does not take it.
        if begun && (sending.is_none() || self.withheld.set((denial.clone(), now)).is_err()) {
            return;
        }
        if let Some(task) = &sending {
            task.cut(now);
        }
        let refusal = Refusal::new(denial, self.decision);
        let (rule, guard) = (self.rule, &self.guard);
        if rule.streams() || begun {
            let bearer = self.caller.bearer.as_ref().map(|known| &*known.token);
            if guard.lines.lists(refusal.denial.reason(), bearer, self.caller.address()) {
                report::ended(rule.path, &refusal, bearer);
            }
            guard.refusals.note((Some(rule), rule.path), &refusal, bearer);
        } else {
            guard.note_refused((Some(rule), rule.path), &refusal, &self.caller);
        }
        let bodies = (self.answer().take(), self.request().take());
        self.answering.wake();
        self.reading.wake();
        tokio::spawn(async move { drop(bodies) });
    }

    /// The status that a cut call ends with. Registers who asks, so that it is woken by a cut.
    pub(super) fn poll_cut(&self, by: Side, cx: &Context<'_>) -> Option<Status> {
        let waker = match by {
            Side::Answering => &self.answering,
            Side::Reading => &self.reading,
        };
        waker.register(cx.waker());
        Some(self.denial()?.clone().into_status(self.decision))
    }

    /// When it was cut, if it was.
    pub(super) fn cut_at(&self) -> Option<Instant> {
        self.ended().map(|(_, at)| at)
    }

    /// Why it was cut, if it was.
    fn denial(&self) -> Option<&Denial> {
        self.ended().map(|(denial, _)| denial)
    }

    fn ended(&self) -> Option<(&Denial, Instant)> {
        match self.fate.get()? {
            Fate::Cut(denial, at) => Some((denial, *at)),
            Fate::Entered => self.withheld.get().map(|(denial, at)| (denial, *at)),
        }
    }

    /// Its answer is on its way: from now on a cut ends the transport's task, too. One that came before shows to the answer's first poll,
    /// when the transport holds nothing of it.
    pub(super) fn note_sending(&self, task: &Arc<CallTask>) {
        let _ = self.sending.set(Arc::downgrade(task));
    }

    /// Looks after the answer of a unary call, which its client does not take.
    pub(super) fn watch_unsent(self: &Arc<Self>) -> Option<Registration> {
        let watched = self.guard.watch_over(self).ok();
        // Registered first and looked up after: what was revoked since the call was decided ends it here.
        self.look();
        watched
    }

    pub(super) fn answer(&self) -> MutexGuard<'_, Option<Body>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn request(&self) -> MutexGuard<'_, Option<Body>> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Call {
    fn refused(&self, permit: &Permit, refusal: &Refusal) {
        self.guard.refused(permit, refusal);
    }

    fn failed(&self, permit: &Permit, failure: &Failure) {
        self.guard.failed(permit, failure);
    }

    fn answered(&self, permit: &Permit) {
        self.guard.answered(permit);
    }

    fn lists(&self, permit: &Permit, line: &'static str, about: Option<Fingerprint>) -> bool {
        self.guard.lists(permit, line, about)
    }

    fn upholds(&self, _: &Permit) -> Result<(), Denial> {
        // From here on the call is its handler's: nothing waits for its message any more.
        Deadline::note_entered();
        self.holds()?;
        if !self.rule.streams() {
            // Whoever sets it first decides: what was cut before is not entered, what has entered is not cut.
            let _ = self.fate.set(Fate::Entered);
        }
        self.denial().map_or(Ok(()), |denial| Err(denial.clone()))
    }

    fn first_message_within(&self) -> Duration {
        self.guard.first_message
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("rpc", &self.rule.path)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}
