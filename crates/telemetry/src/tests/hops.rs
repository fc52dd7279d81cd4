//! One trace across metadata: the caller's span is the parent of the callee's.

use std::future::ready;

use http::{HeaderMap, Request};
use opentelemetry::trace::{SpanId, SpanKind, TraceContextExt};
use opentelemetry::{Context, Value};
use tonic::Code;
use tower::{Layer, ServiceExt};
use tracing_subscriber::layer::SubscriberExt;

use super::recorder::{KNOWN, Recorder, answering, attribute, call, reply, request};
use crate::tracer::ContextTracer;
use crate::{ClientTraceLayer, ServiceTelemetry, TraceLayer};

#[tokio::test]
async fn user_platform_labeler_is_one_trace() {
    let (platform, labeler) = (Recorder::default(), Recorder::default());
    let inner = labeler.layer().layer(answering(Code::Ok, false));
    let client = ClientTraceLayer::new(platform.service().0, "127.0.0.1", 50052).layer(inner);
    let handler = tower::service_fn(move |_: Request<()>| {
        let client = client.clone();
        async move {
            call(client, request(KNOWN)).await;
            Ok(reply(Code::Ok, false))
        }
    });
    let mut from_user = request(KNOWN);
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    from_user.headers_mut().insert("traceparent", caller.parse().unwrap());
    from_user.headers_mut().insert("tracestate", "vendor=1".parse().unwrap());
    assert_eq!(call(platform.layer().layer(handler), from_user).await, "message");

    let [client, server] = <[_; 2]>::try_from(platform.spans()).unwrap();
    let [inner] = <[_; 1]>::try_from(labeler.spans()).unwrap();
    assert_eq!(server.parent_span_id, SpanId::from_hex("b7ad6b7169203331").unwrap());
    assert_eq!(client.parent_span_id, server.span_context.span_id());
    assert_eq!(inner.parent_span_id, client.span_context.span_id());
    for span in [&server, &client, &inner] {
        let context = &span.span_context;
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.trace_state().header(), "vendor=1");
        assert_eq!(span.name, KNOWN.trim_start_matches('/'));
        assert_eq!(attribute(span, "rpc.method"), Some(span.name.clone().into()));
        assert_eq!(attribute(span, "rpc.system.name"), Some("grpc".into()));
        assert_eq!(attribute(span, "rpc.response.status_code"), Some("OK".into()));
    }
    assert_eq!(client.span_kind, SpanKind::Client);
    assert_eq!(inner.span_kind, SpanKind::Server);
    assert_eq!(attribute(&client, "server.address"), Some("127.0.0.1".into()));
    assert_eq!(attribute(&client, "server.port"), Some(Value::I64(50052)));
}

#[tokio::test]
async fn without_an_exporter_the_callers_context_still_travels() {
    let off = ServiceTelemetry::default();
    let seen = tower::service_fn(|got: Request<()>| {
        let mut response = reply(Code::Ok, false);
        response.extensions_mut().insert(got.headers().clone());
        ready(Ok::<_, std::convert::Infallible>(response))
    });
    let client = ClientTraceLayer::new(off.clone(), "127.0.0.1", 1).layer(seen);
    let handler = tower::service_fn(move |_: Request<()>| client.clone().oneshot(request(KNOWN)));
    let server = TraceLayer::new(off, super::recorder::known).layer(handler);

    let silent = server.clone().oneshot(request(KNOWN)).await.unwrap();
    assert!(silent.extensions().get::<HeaderMap>().unwrap().is_empty());

    let mut from_user = request(KNOWN);
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    from_user.headers_mut().insert("traceparent", caller.parse().unwrap());
    from_user.headers_mut().insert("baggage", "tenant=blue".parse().unwrap());
    let response = server.oneshot(from_user).await.unwrap();
    let passed_on = response.extensions().get::<HeaderMap>().unwrap();
    assert_eq!(passed_on["traceparent"], caller);
    assert_eq!(passed_on["baggage"], "tenant=blue");
}

#[tokio::test]
async fn a_handlers_own_span_is_reported_by_its_service() {
    let (platform, labeler) = (Recorder::default(), Recorder::default());
    let otherwise = platform.service().0.tracer().unwrap().clone();
    let layer = tracing_opentelemetry::layer().with_tracer(ContextTracer { otherwise });
    let subscriber = tracing_subscriber::registry().with(layer);
    let handler = tower::service_fn(|_: Request<()>| {
        tracing::info_span!("look up").in_scope(|| ());
        ready(Ok(reply(Code::Ok, false)))
    });
    let service = labeler.layer().layer(handler);
    let default = tracing::subscriber::set_default(subscriber);
    call(service, request(KNOWN)).await;
    drop(default);
    let [own, server] = <[_; 2]>::try_from(labeler.spans()).unwrap();
    assert_eq!(own.name, "look up");
    assert_eq!(own.parent_span_id, server.span_context.span_id());
    assert!(platform.spans().is_empty());
}

#[tokio::test]
async fn the_server_span_is_current_in_handlers_and_streams() {
    let labeler = Recorder::default();
    let handler = tower::service_fn(|_: Request<()>| {
        Context::map_current(|current| {
            current.span().set_attribute(opentelemetry::KeyValue::new("hallpass.decision", "d1"));
        });
        ready(Ok(reply(Code::PermissionDenied, true)))
    });
    call(labeler.layer().layer(handler), request(KNOWN)).await;
    assert_eq!(attribute(&labeler.spans()[0], "hallpass.decision"), Some("d1".into()));
    assert!(!Context::current().has_active_span(), "nothing is left behind on the thread");
}
