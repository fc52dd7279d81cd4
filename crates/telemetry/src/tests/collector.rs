//! A collector that is dead or never answers: calls neither wait nor fail, and the end of the process is bounded.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tonic::Code;
use tower::Layer;

use super::recorder::{KNOWN, answering, call, request};
use crate::environment::Asked;
use crate::exporter::{Collector, Exporting};
use crate::{ServiceTelemetry, TraceLayer};

/// More than the queue holds, so that it is full for some of them.
const CALLS: usize = 5_000;

fn exporting_to(port: u16) -> (Exporting, Vec<ServiceTelemetry>) {
    let collector = Collector { endpoint: Some(format!("http://127.0.0.1:{port}")) };
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
