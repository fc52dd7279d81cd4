//! One tracer for `tracing` that makes each span with the tracer of the service that the current context belongs to.

use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, Tracer};
use opentelemetry_sdk::trace::{SdkTracer, Span};

/// Marks a context as one service's, so that spans made inside a handler are reported by that service.
#[derive(Debug)]
pub(crate) struct Serving(pub(crate) SdkTracer);

/// Makes spans with the tracer that the context names, or else with the process's first.
#[derive(Debug)]
pub(crate) struct ContextTracer {
    pub(crate) otherwise: SdkTracer,
}

impl Tracer for ContextTracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let tracer = parent.get::<Serving>().map_or(&self.otherwise, |serving| &serving.0);
        tracer.build_with_context(builder, parent)
    }
}
