//! Work that goes on when the call that asked for it is over: it continues that call's trace.
//!
//! Invariant: what is remembered of a trace is its `traceparent` alone, and where nothing is exported work costs what it always did.

use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use crate::tracer::Serving;
use crate::{ServiceTelemetry, propagation};

const TRACEPARENT: &str = "traceparent";

/// The trace that the current call belongs to, as W3C `traceparent`; empty if it belongs to none.
pub fn current_trace() -> String {
    traceparent(&Context::current())
}

/// A piece of work under way. Its span ends when this is dropped.
#[derive(Debug)]
pub struct Work {
    context: Context,
    has_span: bool,
}

impl ServiceTelemetry {
    /// Begins a piece of work that continues a trace: a `traceparent`, or an empty text for a trace of its own.
    pub fn work(&self, name: String, trace: &str, attributes: &[(&'static str, String)]) -> Work {
        let mut metadata = http::HeaderMap::new();
        if let Ok(value) = http::HeaderValue::try_from(trace)
            && !trace.is_empty()
        {
            metadata.insert(TRACEPARENT, value);
        }
        let parent = propagation::extract(&metadata).unwrap_or_default();
        let Some(tracer) = self.tracer() else { return Work { context: parent, has_span: false } };
        let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, value.clone()));
        let builder = tracer
            .span_builder(name)
            .with_kind(SpanKind::Internal)
            .with_attributes(attributes.collect::<Vec<_>>());
        let span = tracer.build_with_context(builder, &parent);
        let context = parent.with_value(Serving(tracer.clone())).with_span(span);
        Work { context, has_span: true }
    }
}

impl Work {
    /// Runs a part of it: what that calls is in the same trace.
    pub async fn within<F: Future>(&self, part: F) -> F::Output {
        part.with_context(self.context.clone()).await
    }

    /// By which others continue the trace; empty if there is none.
    pub fn traceparent(&self) -> String {
        traceparent(&self.context)
    }

    /// Notes that it failed, with a stable word for the reason.
    pub fn failed(&self, reason: &str) {
        if self.has_span {
            let span = self.context.span();
            span.set_attribute(KeyValue::new("error.type", reason.to_owned()));
            span.set_status(Status::error(""));
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.has_span {
            self.context.span().end();
        }
    }
}

fn traceparent(context: &Context) -> String {
    let mut metadata = http::HeaderMap::new();
    propagation::inject(context, &mut metadata);
    let found = metadata.get(TRACEPARENT).and_then(|value| value.to_str().ok());
    found.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_trace_is_carried_on_where_nothing_is_exported() {
        let off = ServiceTelemetry::default();
        assert_eq!(off.work("x".to_owned(), TRACE, &[]).traceparent(), TRACE);
        for none in ["", "nonsense", "00-0-0-01", "\n"] {
            assert_eq!(off.work("x".to_owned(), none, &[]).traceparent(), "");
        }
    }
}
