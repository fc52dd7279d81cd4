//! Tells the operator's log and the trace about decisions. No token gets here; who called is in the log and not in the trace.

use hallpass_policy::{DecisionId, Denial, Permit};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::Level;

use crate::serve::caller::Caller;
use crate::serve::limits::PeerAddress;

const TARGET: &str = "hallpass::decision";

/// A call was let through.
pub(super) fn allowed(permit: &Permit, client: Option<PeerAddress>) {
    let kind = permit.token_type().map_or("none", |kind| kind.as_str());
    if tracing::enabled!(target: TARGET, Level::DEBUG) {
        tracing::debug!(
            target: TARGET,
            decision = %permit.decision(),
            rpc = permit.rule().path,
            client = client.map(|client| tracing::field::display(client.0)),
            token_type = kind,
            sub = permit.subject(),
            jti = permit.token().and_then(|token| token.claims().id.as_deref()),
            job_id = permit.job_id(),
            "allowed",
        );
    }
    trace("allow", permit.decision(), Some(kind));
}

/// A call was refused.
pub(super) fn refused(rpc: &str, denial: &Denial, decision: DecisionId, caller: &Caller) {
    let claims = caller.bearer.as_ref().map(|known| known.token.claims());
    let kind = claims.map(|claims| claims.token_type.as_str());
    tracing::info!(
        target: TARGET,
        %decision,
        rpc = shortened(rpc),
        client = caller.client.map(|client| tracing::field::display(client.0)),
        reason = denial.reason(),
        cause = %denial,
        token_type = kind,
        sub = claims.and_then(|claims| claims.subject.as_deref()),
        jti = claims.and_then(|claims| claims.id.as_deref()),
        job_id = claims.and_then(|claims| claims.job_id.as_deref()),
        "refused",
    );
    trace(denial.reason(), decision, kind);
}

/// A stream that had been let through was ended.
pub(super) fn ended(rpc: &'static str, denial: &Denial, decision: DecisionId) {
    tracing::info!(
        target: TARGET,
        %decision,
        rpc,
        reason = denial.reason(),
        cause = %denial,
        "stream ended",
    );
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
    const LONGEST: usize = 128;
    path.get(..LONGEST).unwrap_or(path)
}
