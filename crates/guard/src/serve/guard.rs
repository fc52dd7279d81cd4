//! Gathers what a decision needs about a call and has it decided. Nothing here waits, and nothing here is policy.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_policy::{
    Access, ActionDesk, DecisionId, Denial, Desk, Outcome, Permit, Refusal, Rule, Witness,
    concerns_action, decide,
};
use hallpass_revocation::{Absent, Freshness, Index, Session, Sessions};
use hallpass_token::UnixTime;
use http::Request;
use tokio::task::AbortHandle;
use tonic::body::Body;

use crate::serve::actions::Actions;
use crate::serve::cache::TokenCache;
use crate::serve::call::Call;
use crate::serve::caller::Caller;
use crate::serve::credentials::{self, ClientCertificate};
use crate::serve::holder::Holder;
use crate::serve::limits::{CallLimits, Limits};
use crate::serve::log_limit::LogLimit;
use crate::serve::message::Admitted;
use crate::serve::public::public_rule;
use crate::serve::refusals::Refusals;
use crate::serve::setup::GuardSetup;
use crate::serve::slots::{Slot, Slots};
use crate::serve::streams::{Registration, Streams};
use crate::serve::tokens::{Stop, Work};
use crate::serve::verifications::{Turn, Verifications};
use crate::serve::{report, watch as watching};
use crate::{Clock, Decisions, Keys, Rules};

/// What a call is told to wait that was not verified because too many waited for it.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The server's guard. Its layer decides every call; its task ends streams whose token has ended.
pub struct Guard {
    pub(super) rules: Rules,
    pub(super) keys: Keys,
    pub(super) index: Arc<Index>,
    pub(super) freshness: Freshness,
    pub(super) clock: Clock,
    pub(super) streams: Arc<Streams>,
    actions: Arc<Actions>,
    pub(super) sessions: Option<Sessions>,
    limits: Limits,
    slots: Arc<Slots>,
    pub(super) lines: Arc<LogLimit>,
    /// How long a call's first message may take.
    pub(super) first_message: Duration,
    decisions: Decisions,
    pub(super) cache: TokenCache,
    pub(super) verifications: Arc<Verifications>,
    refused: AtomicU64,
    pub(super) refusals: Arc<Refusals>,
    watch: OnceLock<AbortHandle>,
}

/// What a guard has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Calls decided.
    pub decisions: u64,
    /// Calls refused before their handler.
    pub refusals: u64,
    /// Tokens verified because they were not in the cache.
    pub verifications: u64,
    /// Streams open now that end with their token.
    pub streams: usize,
    /// Unary calls whose request message has not arrived, which end with their token, too.
    pub waiting: usize,
}

/// What becomes of a call.
pub(super) enum Verdict {
    Admitted(Admitted),
    Refused(Refusal),
    /// It waits for its turn to have its token verified.
    Waits(DecisionId, Turn),
}

impl Guard {
    /// Starts a guard and, on the current tokio runtime, the task that ends streams. The task ends with the guard.
    pub fn start(setup: GuardSetup) -> Arc<Self> {
        Self::limited(setup, CallLimits::default())
    }

    /// Starts a guard as [`Guard::start`] does, which lets nobody call, be refused or fail more often than these limits say,
    /// nor have more calls under way.
    pub fn limited(setup: GuardSetup, limits: CallLimits) -> Arc<Self> {
        let (slots, first_message) = (Slots::new(&limits.slots), limits.first_message);
        let lines = LogLimit::new(&setup.clock);
        let verifications = Verifications::new(limits.failed_verifications, setup.clock.clone());
        let limits = Limits::new(limits, &setup.clock);
        let refusals = Refusals::new(setup.clock.clone());
        let guard = Arc::new(Self {
            rules: setup.rules,
            keys: setup.keys,
            // What its own list has forgotten counts, whoever built the guard.
            clock: setup.clock.not_before([Arc::clone(&setup.index)]),
            index: setup.index,
            freshness: setup.freshness,
            streams: Arc::default(),
            actions: setup.actions,
            sessions: setup.sessions,
            limits,
            slots,
            lines,
            first_message,
            decisions: Decisions::new(setup.node),
            cache: TokenCache::new(setup.cache_bytes),
            verifications,
            refused: AtomicU64::new(0),
            refusals,
            watch: OnceLock::new(),
        });
        let watch = tokio::spawn(watching::over(Arc::downgrade(&guard), setup.changes));
        guard.watch.get_or_init(|| watch.abort_handle());
        guard
    }

    /// The rule of a path: the contract's, or that of the public table.
    pub fn rule(&self, path: &str) -> Option<&'static Rule> {
        (self.rules)(path).or_else(|| public_rule(path))
    }

    /// Whether tokens that are good for one call can be claimed here. A server that needs it and lacks it does not start.
    pub fn can_claim(&self) -> bool {
        self.actions.can_claim()
    }

    /// The latest refusals, the ones that handlers make included.
    pub fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.refusals)
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        Counts {
            decisions: self.decisions.count(),
            refusals: self.refused.load(Ordering::Relaxed),
            verifications: self.cache.misses(),
            streams: self.streams.len(),
            waiting: self.streams.waiting(),
        }
    }

    /// Decides a call: leaves a permit in the request, or says why it is refused, which is in the log by then. `waited` is the
    /// decision of a call that has waited for a verification.
    pub(super) fn admit(
        self: &Arc<Self>,
        request: &mut Request<Body>,
        waited: Option<DecisionId>,
    ) -> Verdict {
        let decision = waited.unwrap_or_else(|| self.decisions.next());
        let client = request.extensions().get().copied();
        let mut caller = Caller { client, ..Caller::default() };
        let mut work = Work { granted: waited.is_some(), failed: false };
        let judged = self.judge(request, decision, &mut caller, &mut work);
        if work.granted && !work.failed {
            self.verifications.give_back();
        }
        match judged {
            Ok(admitted) => Verdict::Admitted(admitted),
            Err(Stop::Denied(denial)) => {
                Verdict::Refused(self.refuse(request, &caller, Refusal::new(denial, decision)))
            }
            Err(Stop::Busy) => {
                let origin = caller.origin(self.rule(request.uri().path()));
                Verdict::Waits(decision, self.verifications.wait(origin))
            }
        }
    }

    /// Refuses a call that was not verified because too many waited for it.
    pub(super) fn refuse_busy(&self, request: &Request<Body>, decision: DecisionId) -> Refusal {
        let client = request.extensions().get().copied();
        let denial = Denial::TooMany(BUSY_RETRY_AFTER);
        let caller = Caller { client, ..Caller::default() };
        self.refuse(request, &caller, Refusal::new(denial, decision))
    }

    fn refuse(&self, request: &Request<Body>, caller: &Caller, refusal: Refusal) -> Refusal {
        let path = request.uri().path();
        self.note_refused((self.rule(path), path), &refusal, caller);
        refusal
    }

    /// Counts a refusal, tells the log, and remembers it.
    pub(super) fn note_refused(
        &self,
        (rule, path): (Option<&'static Rule>, &str),
        refusal: &Refusal,
        caller: &Caller,
    ) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let rpc = rule.map_or(path, |rule| rule.path);
        if let (Some(action), Some(known)) = (rule.and_then(Rule::action), &caller.action) {
            self.actions.note(action, &known.token, Outcome::Refused);
        }
        if let Some(known) = &caller.bearer {
            self.limits.refused(&known.token, &refusal.denial);
        }
        let of_action = caller.action_refused
            || rule
                .is_some_and(|rule| concerns_action(&caller.facts(rule, self), self.clock.now()));
        let bearer = caller.bearer.as_ref().map(|known| &*known.token);
        report::traced(refusal, bearer);
        if self.lines.lists(refusal.denial.reason(), bearer, caller.address()) {
            report::refused(rpc, refusal, caller, of_action);
        }
        self.refusals.note((rule, path), refusal, bearer);
    }

    fn judge(
        self: &Arc<Self>,
        request: &mut Request<Body>,
        decision: DecisionId,
        caller: &mut Caller,
        work: &mut Work,
    ) -> Result<Admitted, Stop> {
        let rule = self.rule(request.uri().path()).ok_or(Denial::UnknownMethod)?;
        self.limits.metadata(request.headers())?;
        let now = self.clock.now();
        if rule.access == Access::Public {
            credentials::discard(request.headers_mut());
        } else {
            let certificate = request.extensions().get::<ClientCertificate>();
            caller.certificate = certificate.map(|certificate| certificate.0);
            self.read_tokens(request.headers_mut(), caller, now, work)?;
            // Whoever has used up their calls may still revoke.
            if let Some(known) = &caller.bearer
                && !rule.is_vital()
            {
                self.limits.call(&known.token)?;
            }
        }
        let call = caller.bearer.is_some();
        let call = call.then(|| Call::new(self, rule, decision, caller.clone()));
        // A stream is registered first and looked up after, so that no revocation falls between.
        let stream = call.as_ref().filter(|_| rule.streams());
        let stream = stream.map(|call| self.watch_over(call)).transpose()?;
        let decided = decide(&caller.facts(rule, self), now, decision);
        let permit = decided.map_err(|denial| self.or_when(denial, caller, now))?;
        // Last: a call that is refused anyway takes no slot from others.
        let slot = self.slot(rule, caller)?;
        report::allowed(&permit, caller.client);
        let witness = call.as_ref().map(|call| Arc::clone(call) as Arc<dyn Witness>);
        let witness = witness.unwrap_or_else(|| Arc::clone(self) as _);
        request.extensions_mut().insert::<Permit>(permit.witnessed(witness));
        if rule.action().is_some() {
            request.extensions_mut().insert(Desk(Arc::clone(&self.actions) as Arc<dyn ActionDesk>));
        }
        let (client, guard) = (caller.client, Arc::clone(self));
        Ok(Admitted { call, stream, slot, rule, decision, client, guard })
    }

    /// Says how long a cut-off still refuses new tokens, where it reaches beyond the present.
    #[cold]
    fn or_when(&self, denial: Denial, caller: &Caller, now: UnixTime) -> Denial {
        let known = [&caller.bearer, &caller.action].into_iter().flatten();
        let until = known.filter_map(|known| self.index.cut_off_until(&known.token)).max();
        match until {
            Some(until) if denial == Denial::TokenRevoked && until >= now => {
                Denial::TokenCutOff(until.whole().since(now) + Duration::from_secs(1))
            }
            _ => denial,
        }
    }

    /// Puts a call under the watch that ends it when its permit does not hold any more.
    pub(super) fn watch_over(&self, call: &Arc<Call>) -> Result<Registration, Denial> {
        let registration = self.streams.register(Arc::clone(call));
        if self.watch.get().is_none_or(AbortHandle::is_finished) {
            return Err(Denial::CannotDecide("nothing watches over open streams"));
        }
        Ok(registration)
    }

    /// Why a session has ended, if it has. That it was closed, the list says.
    pub(super) fn ended(&self, session: &Session) -> Option<&'static str> {
        let checked = self.sessions.as_ref()?.check(session, self.clock.now());
        checked.err().map(Absent::why)
    }

    /// A slot for a call that is let through otherwise.
    fn slot(&self, rule: &'static Rule, caller: &Caller) -> Result<Slot, Denial> {
        const ADMINISTERS: &str = "revocations:admin";
        match &caller.bearer {
            None => self.slots.anonymous(rule, caller.address()),
            Some(known) => {
                let administers = || known.token.claims().scopes.contains(ADMINISTERS);
                let slot = self.slots.held(rule, &known.holder, administers);
                slot.or_else(|denial| self.vacated(rule, &known.holder).ok_or(denial))
            }
        }
    }

    /// The slot of a call that withholds its message, for one that revokes: whoever fills the slots with such calls keeps nobody from
    /// revoking. It is the holder's own where its share is full.
    fn vacated(&self, rule: &'static Rule, holder: &Arc<Holder>) -> Option<Slot> {
        if !rule.is_vital() || rule.streams() {
            return None;
        }
        let anyones = self.slots.has_own_room(holder);
        let waits = |call: &Call| call.rule().is_vital() && (anyones || call.is_of(holder));
        if !self.streams.end_oldest_waiting(waits, Denial::TooMany(BUSY_RETRY_AFTER)) {
            return None;
        }
        Some(self.slots.in_place_of_another(holder))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
