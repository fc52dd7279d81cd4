//! A call is one trace across Platform and Labeler, as the real Jaeger shows it; a dead collector breaks nothing.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::mesh::Mesh;
use crate::tools;
use crate::tour::hallpass;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/jaeger/jaeger.yaml");

#[test]
fn jaeger_shows_one_trace_through_both_services() {
    let Some(jaeger) = tools::find("jaeger") else { return };
    let jaeger = Jaeger::start(&jaeger);
    let collector = format!("http://{}", jaeger.otlp);
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let mesh = Mesh::with_environment(&environment);
    let listed = hallpass(&mesh, &["dataset", "list"], "alice");
    assert_eq!(listed.code, 0, "{listed:?}");

    let trace = jaeger.trace_of("hallpass.platform.v1.DatasetService/ListDatasets");
    assert_eq!(trace.services(), BTreeSet::from(["labeler".to_owned(), "platform".to_owned()]));
    let served = trace.span("hallpass.labeler.v1.DatasetService/ListDatasets", "server");
    assert_eq!(tag(served, "rpc.system.name"), "grpc");
    assert_eq!(tag(served, "rpc.method"), "hallpass.labeler.v1.DatasetService/ListDatasets");
    assert_eq!(tag(served, "rpc.response.status_code"), "OK");
    assert_eq!(tag(served, "hallpass.decision"), "allow");
    assert!(!trace.0.to_string().contains("eyJ"), "a token is in the trace");
}

#[test]
fn a_dead_collector_breaks_no_call() {
    let closed = free_address();
    let collector = format!("http://{closed}");
    let mesh = Mesh::with_environment(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector)]);
    for _ in 0..20 {
        let listed = hallpass(&mesh, &["dataset", "list"], "alice");
        assert_eq!(listed.code, 0, "{listed:?}");
    }
}

pub(crate) struct Jaeger {
    process: Child,
    pub(crate) otlp: String,
    query: String,
}

impl Jaeger {
    pub(crate) fn start(binary: &Path) -> Self {
        let (otlp, query) = (free_address(), free_address());
        let process = Command::new(binary)
            .args(["--config", CONFIG])
            .envs([("JAEGER_OTLP", &otlp), ("JAEGER_QUERY", &query)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Jaeger starts");
        let jaeger = Self { process, otlp, query };
        until(|| TcpStream::connect(&jaeger.otlp).and(TcpStream::connect(&jaeger.query)).ok());
        jaeger
    }

    /// The trace that has a span of this name from both services, once it has arrived.
    fn trace_of(&self, operation: &str) -> Trace {
        let path =
            format!("/api/traces?service=platform&operation={}", operation.replace('/', "%2F"));
        until(|| {
            let answer: Value = serde_json::from_str(&self.get(&path)?).ok()?;
            let trace = Trace(answer["data"].as_array()?.first()?.clone());
            (trace.services().len() == 2).then_some(trace)
        })
    }

    /// The trace of this id once its tree is this one, or as it is after 20 s: services send what they have one after the other.
    pub(crate) fn trace_like(&self, id: &str, tree: &str) -> Trace {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let trace = until(|| {
                let answer = self.get(&format!("/api/traces/{id}"))?;
                let answer: Value = serde_json::from_str(&answer).ok()?;
                Some(Trace(answer["data"].as_array()?.first()?.clone()))
            });
            if trace.tree(false) == tree || Instant::now() > deadline {
                return trace;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.query).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.query).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) struct Trace(Value);

impl Trace {
    fn services(&self) -> BTreeSet<String> {
        let processes = self.0["processes"].as_object().into_iter().flatten();
        processes
            .filter_map(|(_, process)| process["serviceName"].as_str().map(str::to_owned))
            .collect()
    }

    fn spans(&self) -> &[Value] {
        self.0["spans"].as_array().expect("spans")
    }

    /// The spans as a tree, a line each: the service, what it does, and how long it took.
    pub(crate) fn tree(&self, with_times: bool) -> String {
        let mut text = String::new();
        let known: BTreeSet<_> = self.spans().iter().map(|span| text_of(span, "spanID")).collect();
        let roots = self.spans().iter().filter(|span| !known.contains(parent(span)));
        self.branch(roots.collect(), 0, with_times, &mut text);
        text
    }

    fn branch(&self, mut spans: Vec<&Value>, depth: usize, with_times: bool, text: &mut String) {
        spans.sort_by_key(|span| span["startTime"].as_u64());
        for span in spans {
            let process = &self.0["processes"][text_of(span, "processID")];
            let (service, kind) = (text_of(process, "serviceName"), tag(span, "span.kind"));
            let line =
                format!("{:depth$}{service}: {} ({kind})", "", text_of(span, "operationName"));
            let took = span["duration"].as_f64().unwrap_or_default() / 1000.0;
            let took = if with_times { format!(" {took:.1} ms") } else { String::new() };
            text.extend([line.as_str(), took.as_str(), "\n"]);
            let id = text_of(span, "spanID");
            let children = self.spans().iter().filter(|child| parent(child) == id);
            self.branch(children.collect(), depth + 2, with_times, text);
        }
    }

    fn span(&self, operation: &str, kind: &str) -> &Value {
        let spans = self.spans();
        spans
            .iter()
            .find(|span| span["operationName"] == operation && tag(span, "span.kind") == kind)
            .unwrap_or_else(|| panic!("no {kind} span of {operation} in {spans:#?}"))
    }
}

fn parent(span: &Value) -> &str {
    text_of(&span["references"][0], "spanID")
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn tag<'a>(span: &'a Value, key: &str) -> &'a str {
    let tags = span["tags"].as_array().expect("tags").iter();
    tags.filter(|tag| tag["key"] == key).find_map(|tag| tag["value"].as_str()).unwrap_or_default()
}

/// An address on loopback that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// Asks until there is an answer; fails after 30 s.
pub(crate) fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "it did not happen within 30 s");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
