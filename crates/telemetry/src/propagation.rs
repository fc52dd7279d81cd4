//! Carries the trace through metadata: W3C `traceparent`, `tracestate` and `baggage`.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

/// The caller's context, if the metadata names one.
pub(crate) fn extract(metadata: &HeaderMap) -> Option<Context> {
    let (trace, baggage) = (metadata.contains_key("traceparent"), metadata.contains_key("baggage"));
    if !trace && !baggage {
        return None;
    }
    let metadata = Metadata(metadata);
    let mut context = Context::new();
    if trace {
        context = TraceContextPropagator::new().extract_with_context(&context, &metadata);
    }
    if baggage {
        context = BaggagePropagator::new().extract_with_context(&context, &metadata);
    }
    Some(context)
}

/// Puts a context into metadata, so that the callee continues it.
pub(crate) fn inject(context: &Context, metadata: &mut HeaderMap) {
    let mut metadata = MetadataMut(metadata);
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(context, &mut metadata);
    }
    if !context.baggage().is_empty() {
        BaggagePropagator::new().inject_context(context, &mut metadata);
    }
}

struct Metadata<'a>(&'a HeaderMap);

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self.0.get_all(key).iter().filter_map(|v| v.to_str().ok()).collect();
        (!values.is_empty()).then_some(values)
    }
}

struct MetadataMut<'a>(&'a mut HeaderMap);

impl Injector for MetadataMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if let (Ok(key), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}
