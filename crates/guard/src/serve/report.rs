//! Tells the operator's log and the trace about decisions. No token gets here; who called is in the log and not in the trace.
//!
//! Invariant: whatever is refused, whoever refuses it, the line says who called, with which token and about which object.

use hallpass_policy::{DecisionId, Denial, Failure, Object, Permit, Refusal};
use hallpass_token::{Fingerprint, Verified};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::Level;
use tracing::field::{DisplayValue, display};

use crate::serve::caller::Caller;
use crate::serve::limits::PeerAddress;

const TARGET: &str = "hallpass::decision";
const AUDIT: &str = "hallpass::audit";

/// Who a token says that its holder is, and the names by which it can be revoked.
#[derive(Default)]
struct Who<'a> {
    token_type: Option<&'static str>,
    sub: Option<&'a str>,
    /// Who acts for the user.
    actor: Option<&'a str>,
    service: Option<&'a str>,
    jti: Option<&'a str>,
    /// The name of a token that has no `jti`.
    fingerprint: Option<DisplayValue<Fingerprint>>,
    sid: Option<&'a str>,
    kid: Option<&'a str>,
    job_id: Option<&'a str>,
}

impl<'a> Who<'a> {
    fn of(token: Option<&'a Verified>) -> Self {
        let Some(token) = token else { return Self::default() };
        let claims = token.claims();
        let actor = claims.actor.as_ref().and_then(|actor| actor.get("sub"));
        Self {
            token_type: Some(claims.token_type.as_str()),
            sub: claims.subject.as_deref(),
            actor: actor.and_then(|sub| sub.as_str()),
            service: claims.service.as_deref(),
            jti: claims.id.as_deref(),
            fingerprint: claims.id.is_none().then(|| display(token.fingerprint())),
            sid: claims.session.as_deref(),
            kid: Some(token.kid()),
            job_id: claims.job_id.as_deref(),
        }
    }
}

/// A call was let through. At DEBUG: one line for each call.
pub(super) fn allowed(permit: &Permit, client: Option<PeerAddress>) {
    let kind = permit.token_type().map_or("none", |kind| kind.as_str());
    if tracing::enabled!(target: TARGET, Level::DEBUG) {
        let who = Who::of(permit.token().map(AsRef::as_ref));
        tracing::debug!(
            target: TARGET,
            decision = %permit.decision(),
            rpc = permit.rule().path,
            client = client.map(|client| display(client.0)),
            token_type = kind,
            sub = who.sub,
            actor = who.actor,
            service = who.service,
            jti = who.jti,
            fingerprint = who.fingerprint,
            sid = who.sid,
            kid = who.kid,
            job_id = who.job_id,
            action_jti = action_id(permit),
            "allowed",
        );
    }
    trace("allow", permit.decision(), Some(kind));
}

/// A call was refused before its handler. Where it is for the action token, the line is about that one, and names the caller's own beside it.
pub(super) fn refused(rpc: &str, refusal: &Refusal, caller: &Caller, of_action: bool) {
    let own = caller.bearer.as_ref().map(|known| &*known.token);
    let action = caller.action.as_ref().map(|known| &*known.token);
    let denial = &refusal.denial;
    let refused = Refused {
        rpc: shortened(rpc),
        reason: denial.reason(),
        cause: denial,
        decision: refusal.decision,
        client: caller.client,
        about: if of_action { action } else { own },
        own: own.filter(|_| of_action),
        action: action.filter(|_| !of_action),
        object: None,
        bucket: None,
    };
    refused.log();
}

/// Puts a refusal into the trace.
pub(super) fn traced(refusal: &Refusal, token: Option<&Verified>) {
    let kind = token.map(|token| token.claims().token_type.as_str());
    trace(refusal.denial.reason(), refusal.decision, kind);
}

/// A call that had been let through was refused, by the object check, for its action token or by its handler.
pub(super) fn refused_later(permit: &Permit, refusal: &Refusal) {
    let own = permit.token().map(AsRef::as_ref);
    let action = permit.action().map(AsRef::as_ref);
    let spent = refusal.denial == Denial::TokenSpent;
    let refused = Refused {
        rpc: permit.rule().path,
        reason: refusal.denial.reason(),
        cause: &refusal.denial,
        decision: refusal.decision,
        client: None,
        about: if spent { action } else { own },
        own: own.filter(|_| spent),
        action: action.filter(|_| !spent),
        object: refusal.object.as_ref(),
        bucket: refusal.bucket.as_deref(),
    };
    refused.log();
}

/// A handler did not do what it was called for.
pub(super) fn failed(permit: &Permit, failure: &Failure) {
    let who = Who::of(permit.token().map(AsRef::as_ref));
    let object = failure.object.as_ref();
    tracing::info!(
        target: TARGET,
        decision = %failure.decision,
        rpc = permit.rule().path,
        code = ?failure.code,
        reason = failure.reason,
        cause = within(&failure.message, 256),
        elsewhere = failure.elsewhere,
        token_type = who.token_type,
        sub = who.sub,
        actor = who.actor,
        service = who.service,
        jti = who.jti,
        fingerprint = who.fingerprint,
        sid = who.sid,
        kid = who.kid,
        job_id = who.job_id,
        action_jti = action_id(permit),
        object_type = object.map(|object| object.kind),
        object_id = object.map(Object::shown),
        "refused by the handler",
    );
}

/// A call of a service that gives, revokes or looks into tokens has been done.
pub(super) fn answered(permit: &Permit) {
    let who = Who::of(permit.token().map(AsRef::as_ref));
    tracing::info!(
        target: AUDIT,
        decision = %permit.decision(),
        rpc = permit.rule().path,
        outcome = "done",
        token_type = who.token_type,
        sub = who.sub,
        actor = who.actor,
        service = who.service,
        jti = who.jti,
        fingerprint = who.fingerprint,
        sid = who.sid,
        kid = who.kid,
        action_jti = action_id(permit),
        "call",
    );
}

/// A stream that had been let through was ended.
pub(super) fn ended(rpc: &'static str, refusal: &Refusal, token: Option<&Verified>) {
    let (who, denial) = (Who::of(token), &refusal.denial);
    tracing::info!(
        target: TARGET,
        decision = %refusal.decision,
        rpc,
        reason = denial.reason(),
        cause = %denial,
        token_type = who.token_type,
        sub = who.sub,
        actor = who.actor,
        service = who.service,
        jti = who.jti,
        fingerprint = who.fingerprint,
        sid = who.sid,
        kid = who.kid,
        job_id = who.job_id,
        "stream ended",
    );
}

/// A refusal, wherever it was made.
struct Refused<'a> {
    rpc: &'a str,
    reason: &'static str,
    cause: &'a Denial,
    decision: DecisionId,
    client: Option<PeerAddress>,
    /// The token that is refused, or the caller's own where the call is.
    about: Option<&'a Verified>,
    /// The caller's own where an action token is refused.
    own: Option<&'a Verified>,
    /// The action token beside the caller's own.
    action: Option<&'a Verified>,
    object: Option<&'a Object>,
    bucket: Option<&'a str>,
}

impl Refused<'_> {
    fn log(&self) {
        let who = Who::of(self.about);
        let own = Who::of(self.own);
        tracing::info!(
            target: TARGET,
            decision = %self.decision,
            rpc = self.rpc,
            client = self.client.map(|client| display(client.0)),
            reason = self.reason,
            cause = %self.cause,
            token_type = who.token_type,
            sub = who.sub.or(own.sub),
            actor = who.actor,
            service = who.service,
            jti = who.jti,
            fingerprint = who.fingerprint,
            sid = who.sid.or(own.sid),
            kid = who.kid,
            job_id = who.job_id,
            caller_jti = own.jti,
            caller_kid = own.kid,
            action_jti = self.action.and_then(|action| action.claims().id.as_deref()),
            object_type = self.object.map(|object| object.kind),
            object_id = self.object.map(Object::shown),
            bucket = self.bucket,
            "refused",
        );
    }
}

fn action_id(permit: &Permit) -> Option<&str> {
    permit.action()?.claims().id.as_deref()
}

fn trace(outcome: &'static str, decision: DecisionId, kind: Option<&'static str>) {
    Context::map_current(|context| {
        let span = context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new("hallpass.decision", outcome));
            span.set_attribute(KeyValue::new("hallpass.decision_id", decision.to_string()));
            if let Some(kind) = kind {
                span.set_attribute(KeyValue::new("hallpass.token_type", kind));
            }
        }
    });
}

/// A path that no rule knows is the caller's own words.
fn shortened(path: &str) -> &str {
    within(path, 128)
}

fn within(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}
