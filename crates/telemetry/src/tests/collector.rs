//! A collector that is dead or never answers: calls neither wait nor fail, and the end of the process is bounded.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use opentelemetry_otlp::Compression;
use tonic::Code;
use tower::Layer;

use super::recorder::{KNOWN, answering, call, request};
use crate::checks::Compressions;
use crate::environment::Asked;
use crate::exporter::{Collector, Exporting};
use crate::{ServiceTelemetry, TraceLayer};

/// More than the queue holds, so that it is full for some of them.
const CALLS: usize = 5_000;

fn exporting_to(port: u16) -> (Exporting, Vec<ServiceTelemetry>) {
    exporting(port, Compressions::default())
}

fn exporting(port: u16, compressions: Compressions) -> (Exporting, Vec<ServiceTelemetry>) {
    let endpoint = Some(format!("http://127.0.0.1:{port}"));
    let collector = Collector { endpoint, compressions, ..Collector::default() };
    let asked = Asked { traces: true, metrics: true };
    Exporting::start(&["platform", "labeler"], asked, &collector).unwrap()
}

fn no_call_waits(services: &[ServiceTelemetry]) {
    for service in services {
        let layer = TraceLayer::new(service.clone(), super::recorder::known);
        for _ in 0..CALLS {
            let started = Instant::now();
            let answer = call(layer.layer(answering(Code::Ok, false)), request(KNOWN));
            assert_eq!(answer.now_or_never().unwrap(), "message", "ready at the first poll");
            assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        }
    }
}

#[test]
fn a_closed_port_is_not_noticed_by_calls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (mut exporting, services) = exporting_to(port);
    no_call_waits(&services);
    exporting.finish(Duration::from_secs(1));
}

#[test]
fn a_collector_that_never_answers_ends_with_the_process() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut exporting, services) = exporting_to(listener.local_addr().unwrap().port());
    no_call_waits(&services);
    let started = Instant::now();
    exporting.finish(Duration::from_millis(200));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn what_is_sent_is_compressed_where_that_is_asked_for() {
    for (compression, encoding) in [(Some(Compression::Gzip), Some("gzip")), (None, None)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = std::thread::spawn(move || first_request(listener));
        let both = Compressions { traces: compression, metrics: compression };
        let (mut exporting, services) = exporting(port, both);
        no_call_waits(&services[..1]);
        exporting.finish(Duration::from_secs(5));
        assert_eq!(seen.join().unwrap().as_deref(), encoding);
    }
}

/// The `grpc-encoding` of the first request that a collector gets.
fn first_request(listener: std::net::TcpListener) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(connection).await.unwrap();
        let (request, _) = connection.accept().await.unwrap().unwrap();
        let encoding = request.headers().get("grpc-encoding");
        encoding.map(|encoding| encoding.to_str().unwrap().to_owned())
    })
}
