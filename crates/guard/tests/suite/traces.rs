//! What a call's span says of its decision, and that it does not say who called.

use std::sync::{Arc, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};

use crate::fixture::{Mesh, Outcome};

/// Keeps what ended.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Ended {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.lock().unwrap().extend(batch);
        std::future::ready(Ok(()))
    }
}

/// Calls within a span; returns the span's attributes, one a line.
fn traced(mesh: &Mesh, path: &str, token: &str) -> (Outcome, String) {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(ended.clone()).build();
    let span = provider.tracer("test").start("call");
    let outcome = {
        // The guard decides while the call is made, not while its answer is awaited.
        let _current = Context::current_with_span(span).attach();
        futures_util::FutureExt::now_or_never(mesh.call(path, token)).expect("nothing to wait for")
    };
    provider.shutdown().unwrap();
    let spans = ended.0.lock().unwrap();
    let attributes = spans[0].attributes.iter().map(|kv| format!("{}={}\n", kv.key, kv.value));
    (outcome, attributes.collect())
}

#[tokio::test]
async fn a_span_tells_the_decision_and_not_the_caller() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    let (_, allowed) = traced(&mesh, "/t.Platform/Read", &token);
    assert!(allowed.contains("hallpass.decision=allow\n"), "{allowed}");
    assert!(allowed.contains("hallpass.token_type=user\n"), "{allowed}");

    let (outcome, refused) = traced(&mesh, "/t.Platform/Admin", &token);
    let details = tonic_types::StatusExt::get_error_details(outcome.status());
    let decision = &details.error_info().unwrap().metadata["decision_id"];
    assert!(refused.contains("hallpass.decision=SCOPE_MISSING\n"), "{refused}");
    assert!(refused.contains(&format!("hallpass.decision_id={decision}\n")), "{refused}");
    assert!(!allowed.contains("ann") && !refused.contains("ann"));
}
