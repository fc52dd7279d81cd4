//! One call as telemetry sees it: its span, its duration, and the one moment at which it ends.

use std::borrow::Cow;
use std::time::Instant;

use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tonic::Code;

use crate::ServiceTelemetry;
use crate::status::{self, Side};
use crate::tracer::Serving;

/// The method's name for calls that no service of this process knows, so that callers cannot invent names.
pub(crate) const OTHER: &str = "_OTHER";

/// One call under way. Ends once: by `end`, or as cancelled when it is dropped.
#[derive(Debug)]
pub(crate) struct Call {
    service: ServiceTelemetry,
    side: Side,
    method: Cow<'static, str>,
    context: Context,
    started: Instant,
    ended: bool,
}

impl Call {
    /// Starts a call's span and clock; `None` where this service exports nothing.
    pub(crate) fn start(
        service: &ServiceTelemetry,
        side: Side,
        method: impl FnOnce() -> Cow<'static, str>,
        attributes: impl FnOnce() -> Vec<KeyValue>,
        parent: &Context,
    ) -> Option<Self> {
        if service.tracer().is_none() && service.duration(side).is_none() {
            return None;
        }
        let method = method();
        let context = match service.tracer() {
            None => parent.clone(),
            Some(tracer) => {
                let mut all = attributes();
                all.push(KeyValue::new("rpc.system.name", "grpc"));
                all.push(KeyValue::new("rpc.method", method.clone()));
                let kind = match side {
                    Side::Server => SpanKind::Server,
                    Side::Client => SpanKind::Client,
                };
                let builder =
                    tracer.span_builder(method.clone()).with_kind(kind).with_attributes(all);
                let span = tracer.build_with_context(builder, parent);
                parent.with_value(Serving(tracer.clone())).with_span(span)
            }
        };
        let (service, started) = (service.clone(), Instant::now());
        Some(Self { service, side, method, context, started, ended: false })
    }

    /// The context in which the call's work runs, its span being the current one.
    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    /// Ends the span and records the duration. Only the first end counts.
    pub(crate) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let name = status::name(code);
        let failed = self.side.failed(code);
        if self.service.tracer().is_some() {
            let span = self.context.span();
            if span.is_recording() {
                span.set_attribute(KeyValue::new("rpc.response.status_code", name));
                if failed {
                    span.set_attribute(KeyValue::new("error.type", name));
                    span.set_status(Status::error(""));
                }
            }
            span.end();
        }
        if let Some(durations) = self.service.duration(self.side) {
            let labels = [
                KeyValue::new("rpc.system.name", "grpc"),
                KeyValue::new("rpc.method", self.method.clone()),
                KeyValue::new("rpc.response.status_code", name),
                KeyValue::new("error.type", name),
            ];
            let labels = if failed { &labels[..] } else { &labels[..3] };
            durations.record(self.started.elapsed().as_secs_f64(), labels);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}
