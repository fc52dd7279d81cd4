//! How calls end: every code, on both sides, in headers and in trailers; unknown methods; calls given up.

use opentelemetry::trace::Status;
use tonic::Code;
use tower::{Layer, ServiceExt};

use super::recorder::{KNOWN, Recorder, answering, attribute, call, request};
use crate::ClientTraceLayer;
use crate::status;

/// Code, its name, whether it is an error on a server.
const TABLE: [(Code, &str, bool); 17] = [
    (Code::Ok, "OK", false),
    (Code::Cancelled, "CANCELLED", false),
    (Code::Unknown, "UNKNOWN", true),
    (Code::InvalidArgument, "INVALID_ARGUMENT", false),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", true),
    (Code::NotFound, "NOT_FOUND", false),
    (Code::AlreadyExists, "ALREADY_EXISTS", false),
    (Code::PermissionDenied, "PERMISSION_DENIED", false),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", false),
    (Code::FailedPrecondition, "FAILED_PRECONDITION", false),
    (Code::Aborted, "ABORTED", false),
    (Code::OutOfRange, "OUT_OF_RANGE", false),
    (Code::Unimplemented, "UNIMPLEMENTED", true),
    (Code::Internal, "INTERNAL", true),
    (Code::Unavailable, "UNAVAILABLE", true),
    (Code::DataLoss, "DATA_LOSS", true),
    (Code::Unauthenticated, "UNAUTHENTICATED", false),
];

#[tokio::test]
async fn every_code_on_both_sides() {
    for (code, name, server_error) in TABLE {
        for trailers_only in [true, false] {
            let (server, client) = (Recorder::default(), Recorder::default());
            let service = server.layer().layer(answering(code, trailers_only));
            let service = ClientTraceLayer::new(client.service().0, "h", 1).layer(service);
            call(service, request(KNOWN)).await;
            for (recorder, error) in [(server, server_error), (client, code != Code::Ok)] {
                let [span] = <[_; 1]>::try_from(recorder.spans()).unwrap();
                let of = format!("{name} error={error} trailers_only={trailers_only}");
                assert_eq!(attribute(&span, "rpc.response.status_code"), Some(name.into()), "{of}");
                assert_eq!(span.status == Status::error(""), error, "{of}");
                let kind = error.then(|| name.into());
                assert_eq!(attribute(&span, "error.type"), kind, "{of}");
            }
        }
    }
}

#[test]
fn every_code_has_the_name_that_the_protocol_gives_it() {
    for (code, name, _) in TABLE {
        assert_eq!(status::name(code), name);
    }
}

#[tokio::test]
async fn unknown_methods_share_one_name() {
    let recorder = Recorder::default();
    let (service, meters) = recorder.service();
    let layer = crate::TraceLayer::new(service, super::recorder::known);
    for path in ["/made.up/One", "/made.up/Two", KNOWN] {
        call(layer.layer(answering(Code::Unimplemented, true)), request(path)).await;
    }
    let spans = recorder.spans();
    assert_eq!((&*spans[0].name, &*spans[1].name), ("_OTHER", "_OTHER"));
    assert_eq!(attribute(&spans[0], "rpc.method_original"), Some("made.up/One".into()));
    meters.force_flush().unwrap();
    let labels = recorder.labels();
    assert_eq!(labels.len(), 2, "{labels:?}");
    assert_eq!(
        labels[0],
        [
            "error.type=UNIMPLEMENTED",
            "rpc.method=_OTHER",
            "rpc.response.status_code=UNIMPLEMENTED",
            "rpc.system.name=grpc",
        ]
    );
}

#[tokio::test]
async fn a_call_given_up_is_cancelled() {
    let recorder = Recorder::default();
    let never = tower::service_fn(|_: http::Request<()>| {
        std::future::pending::<Result<http::Response<String>, std::convert::Infallible>>()
    });
    let waiting = recorder.layer().layer(never).oneshot(request(KNOWN));
    assert!(futures_util::FutureExt::now_or_never(waiting).is_none());
    let [given_up] = <[_; 1]>::try_from(recorder.spans()).unwrap();
    assert_eq!(attribute(&given_up, "rpc.response.status_code"), Some("CANCELLED".into()));

    let unread = recorder.layer().layer(answering(Code::Ok, false));
    drop(unread.oneshot(request(KNOWN)).await.unwrap());
    let dropped = recorder.spans().pop().unwrap();
    assert_eq!(attribute(&dropped, "rpc.response.status_code"), Some("CANCELLED".into()));
}
