//! What a node reports of its revocation list and its guard, beside the calls.
//!
//! Invariant: nothing is read unless metrics are sent, and nothing on the path of a call waits for it.

use std::sync::Arc;

use hallpass_guard::{Clock, Counts, Guard};
use hallpass_revocation::{Freshness, List, Sessions};
use hallpass_telemetry::ServiceTelemetry;

/// One of a guard's counts.
type Read = fn(&Counts) -> u64;

/// Begins to report.
pub(super) fn report(
    telemetry: &ServiceTelemetry,
    list: &Arc<List>,
    freshness: &Freshness,
    clock: &Clock,
    guard: &Arc<Guard>,
) {
    let (known, clock) = (freshness.clone(), clock.clone());
    let age = move || known.age(clock.boot()).map(|age| age.as_secs_f64());
    telemetry.gauge(
        "hallpass.revocations.age",
        "s",
        "How old the node's knowledge of the list is",
        age,
    );
    let known = freshness.clone();
    let limit = move || known.max_staleness().map(|limit| limit.as_secs_f64());
    telemetry.gauge(
        "hallpass.revocations.age_limit",
        "s",
        "The age at which the node refuses",
        limit,
    );
    let index = list.index();
    let entries = move || Some(count(index.usage().exact.saturating_add(index.usage().cutoffs)));
    telemetry.gauge("hallpass.revocations.entries", "{entry}", "What is revoked", entries);
    let index = list.index();
    let generation = move || Some(count(index.generation()));
    telemetry.gauge(
        "hallpass.revocations.generation",
        "{change}",
        "Changes of the list",
        generation,
    );
    let counts: [(_, _, Read); 4] = [
        ("hallpass.guard.decisions", "Calls decided", |counts| counts.decisions),
        ("hallpass.guard.refusals", "Calls refused before their handler", |counts| counts.refusals),
        ("hallpass.guard.verifications", "Tokens verified", |counts| counts.verifications),
        ("hallpass.guard.streams", "Streams open that end with their token", |counts| {
            counts.streams as u64
        }),
    ];
    for (name, description, read) in counts {
        let guard = Arc::downgrade(guard);
        let counted = move || guard.upgrade().map(|guard| count(read(&guard.counts())));
        telemetry.gauge(name, "1", description, counted);
    }
}

/// Begins to report how many sessions are open, where users have some.
pub(super) fn report_sessions(telemetry: &ServiceTelemetry, sessions: Option<&Sessions>) {
    if let Some(sessions) = sessions.cloned() {
        let open = move || Some(count(sessions.count() as u64));
        telemetry.gauge("hallpass.sessions.open", "{session}", "Sessions open", open);
    }
}

/// Exact up to 2^53, which no count here comes near.
#[expect(clippy::cast_precision_loss, reason = "a metric, and no count comes near 2^53")]
const fn count(number: u64) -> f64 {
    number as f64
}
