//! The order of the layers, written here and nowhere else. The first is the outermost.

use std::sync::Arc;

use hallpass_guard::{Guard, GuardLayer};
use hallpass_telemetry::{ServiceTelemetry, TraceLayer};
use tower::ServiceBuilder;
use tower::layer::util::{Identity, Stack};

use crate::budget_layer::BudgetLayer;
use crate::calls::CallsLayer;
use crate::client::ClientLayer;
use crate::limits_layer::LimitsLayer;
use crate::plain_http::PlainHttpLayer;

/// Calls, client, trace, plain HTTP, limits, guard, budget, and then the services behind their generated adapters.
pub(crate) type Layers = Stack<
    BudgetLayer,
    Stack<
        GuardLayer,
        Stack<
            LimitsLayer,
            Stack<
                PlainHttpLayer,
                Stack<TraceLayer, Stack<ClientLayer, Stack<CallsLayer, Identity>>>,
            >,
        >,
    >,
>;

pub(crate) fn layers(
    client: ClientLayer,
    telemetry: ServiceTelemetry,
    plain: PlainHttpLayer,
    limits: LimitsLayer,
    guard: Arc<Guard>,
    budget: BudgetLayer,
) -> ServiceBuilder<Layers> {
    let rules = Arc::clone(&guard);
    let known = move |path: &str| rules.rule(path).map(|rule| rule.path);
    ServiceBuilder::new()
        // Outermost: a call is under way on its connection until the last byte of its answer is handed over.
        .layer(CallsLayer)
        // It refuses nothing, and all that follow read the same address of the client. The guard compares the
        // certificate that it finds with the token's `cnf`.
        .layer(client)
        // Before all that refuse, so that every refusal is in the trace and counted.
        .layer(TraceLayer::new(telemetry, known))
        // Before all that speak gRPC: what is not gRPC gets an HTTP status.
        .layer(plain)
        // Before the guard, whose work counts as part of a call's time. It leaves the deadline in the request for the guard to
        // pass on.
        .layer(limits)
        // Nothing reaches a service but what it let through.
        .layer(GuardLayer::new(guard))
        // Innermost: the permit says whose bytes a call's are, and how long the contract lets its messages be. Behind it
        // stand the adapters that the build made, which check the objects and then enter the handlers.
        .layer(budget)
}
