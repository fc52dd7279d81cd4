//! Writes logs to standard error, each line with the trace that it belongs to.

use std::fmt;
use std::io::{self, IsTerminal, stderr};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt, TraceId};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};

use crate::tracer::ContextTracer;
use crate::{LogFormat, Settings, TelemetryError, urls};

/// Sets up the process's logs and, where spans are exported, reports those that handlers make through `tracing`.
pub(crate) fn install(
    settings: &Settings,
    rust_log: Option<String>,
    tracer: Option<SdkTracer>,
) -> Result<(), TelemetryError> {
    let subscriber = Registry::default().with(lines(settings, rust_log)?).with(tracer.map(spans));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySetUp)
}

type Boxed<S> = Box<dyn Layer<S> + Send + Sync>;

fn lines<S>(settings: &Settings, rust_log: Option<String>) -> Result<Boxed<S>, TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = filter(settings, rust_log)?;
    let layer = tracing_subscriber::fmt::layer().with_writer(|| Redacted(stderr()));
    Ok(match settings.log_format {
        LogFormat::Human => {
            let format = Traced { inner: Format::default(), place: place_in_line };
            layer.with_ansi(stderr().is_terminal()).event_format(format).with_filter(filter).boxed()
        }
        LogFormat::Json => {
            let format = Traced { inner: Format::default().json(), place: place_in_json };
            let layer = layer.with_ansi(false).fmt_fields(JsonFields::new());
            layer.event_format(format).with_filter(filter).boxed()
        }
    })
}

fn filter(settings: &Settings, rust_log: Option<String>) -> Result<EnvFilter, TelemetryError> {
    let directives = rust_log.filter(|log| !log.is_empty());
    let directives = directives.unwrap_or_else(|| settings.log_filter.clone());
    EnvFilter::builder().parse(&directives).map_err(|_| TelemetryError::Variable {
        name: "RUST_LOG",
        value: directives,
        expected: "filters such as \"info\" or \"hallpass=debug,info\"",
    })
}

/// Spans of our own only: the exporter's would be exported in their turn, without end.
fn spans<S>(otherwise: SdkTracer) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(ContextTracer { otherwise })
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target("hallpass", Level::INFO))
}

/// Writes lines without passwords of URLs: libraries' errors may name an address as it was given. A line comes in one piece.
struct Redacted<W>(W);

impl<W: io::Write> io::Write for Redacted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.write_all(urls::redacted(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A line as another format writes it, with the current trace's id put in.
struct Traced<F> {
    inner: F,
    place: fn(&mut String, TraceId),
}

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        cx: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let trace = Context::map_current(|current| current.span().span_context().trace_id());
        if trace == TraceId::INVALID {
            return self.inner.format_event(cx, out, event);
        }
        let mut line = String::new();
        self.inner.format_event(cx, Writer::new(&mut line), event)?;
        (self.place)(&mut line, trace);
        out.write_str(&line)
    }
}

fn place_in_line(line: &mut String, trace: TraceId) {
    let end = line.trim_end_matches('\n').len();
    line.insert_str(end, &format!(" trace_id={trace}"));
}

fn place_in_json(line: &mut String, trace: TraceId) {
    if let Some(end) = line.rfind('}') {
        line.insert_str(end, &format!(",\"trace_id\":\"{trace}\""));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::{Arc, Mutex};

    use super::*;

    const TRACE: TraceId = TraceId::from_bytes([0xab; 16]);

    #[test]
    fn the_trace_is_put_at_the_end_of_a_line() {
        let mut line = "INFO refused\n".to_owned();
        place_in_line(&mut line, TRACE);
        assert_eq!(line, format!("INFO refused trace_id={TRACE}\n"));
    }

    #[test]
    fn the_trace_is_put_inside_the_object() {
        let mut line = "{\"fields\":{\"a\":1}}\n".to_owned();
        place_in_json(&mut line, TRACE);
        assert_eq!(line, format!("{{\"fields\":{{\"a\":1}},\"trace_id\":\"{TRACE}\"}}\n"));
    }

    #[test]
    fn a_line_has_no_password_of_a_url() {
        let mut written = Vec::new();
        let line = "WARN cannot reach nats://alice:s3cr3t@host:4222: refused\n";
        io::Write::write_all(&mut Redacted(&mut written), line.as_bytes()).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, "WARN cannot reach nats://…@host:4222: refused\n");
    }

    #[test]
    fn a_filter_that_is_no_filter_is_named() {
        let error = filter(&Settings::default(), Some("a=b=c".to_owned())).unwrap_err();
        assert!(error.to_string().contains("RUST_LOG"), "{error}");
        assert!(filter(&Settings::default(), None).is_ok());
    }

    #[test]
    fn what_a_stranger_can_have_the_transport_warn_of_is_not_logged() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&written);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || Written(Arc::clone(&into)))
            .with_filter(filter(&Settings::default(), None).unwrap());
        tracing::subscriber::with_default(Registry::default().with(lines), || {
            tracing::warn!(target: "h2::proto::ping_pong", "recv PING ack that we never sent");
            tracing::warn!(target: "hallpass_server", "ours");
        });
        let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(written.contains("ours") && !written.contains("PING"), "{written}");
    }

    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
