//! What is too large or too many is refused, and the guard stands behind every call.

use std::time::Duration;

use hallpass_contract::auth::IntrospectTokenRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use serde_json::json;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_types::StatusExt as _;

use crate::fixture::{Flags, Running};

#[tokio::test]
async fn no_call_gets_past_the_guard() {
    let server = Running::start(&Flags::new()).await;
    let mut client = TokenServiceClient::new(server.channel.clone());
    let refused = client.introspect_token(IntrospectTokenRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "TOKEN_MISSING");
}

/// The contract says how long; the refusal comes with the message's prefix.
#[tokio::test]
async fn a_message_that_is_too_large() {
    let server = Running::start(&Flags::new()).await;
    server.gate.open();
    let mut client = TokenServiceClient::new(server.channel.clone());
    let most = hallpass_contract::rule("/hallpass.auth.v1.TokenService/IntrospectToken");
    let most = most.unwrap().request_bytes as usize;
    // A tag and three bytes of length.
    for (bytes, code) in [(most - 4, Code::Ok), (most - 3, Code::ResourceExhausted)] {
        let message = IntrospectTokenRequest { token: "x".repeat(bytes) };
        let answer = client.introspect_token(server.with_token(message)).await;
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), code, "{bytes}");
    }
}

#[tokio::test]
async fn metadata_that_is_too_large() {
    let limits = json!({"header_bytes": 8192});
    let refused = Err((Code::ResourceExhausted, "METADATA_TOO_LARGE".to_owned()));
    for (bytes, answer) in [(4_000, Ok(())), (8_192, refused.clone()), (30_000, refused)] {
        let server = Running::start(&Flags::from([("limits", limits.clone())])).await;
        server.gate.open();
        let mut client = TokenServiceClient::new(server.channel.clone());
        let mut request = server.with_token(IntrospectTokenRequest::default());
        request.metadata_mut().insert("x-large", "x".repeat(bytes).parse().unwrap());
        let answered = client.introspect_token(request).await;
        let reason = |status: &Status| status.get_details_error_info().unwrap().reason;
        let answered = answered.map(drop).map_err(|status| (status.code(), reason(&status)));
        assert_eq!(answered, answer, "{bytes}");
    }
}

#[tokio::test]
async fn too_many_calls() {
    let server = Running::start(&Flags::from([("limits", json!({"calls": 1}))])).await;
    let first = server.waiting(None);
    server.gate.entered().await;
    let refused = server.waiting(None).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "TOO_MANY");
    let wait = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(wait, Some(Duration::from_secs(1)));
    // What makes a node fresh again is not crowded out.
    server.vital().await.unwrap();
    assert!(server.endless().await.is_ok());
    server.gate.open();
    assert!(first.await.unwrap().is_ok());
    assert!(server.waiting(None).await.unwrap().is_ok(), "its place is free again");
}

/// A stream of someone who shows no token, who asks nothing and stays.
async fn idle_reflection(server: &Running) -> Result<Option<()>, Status> {
    let silence = tokio_stream::pending::<ServerReflectionRequest>();
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let mut answers = client.server_reflection_info(silence).await?.into_inner();
    answers.message().await.map(|answer| answer.map(drop))
}

#[tokio::test]
async fn strangers_streams_end_and_take_no_place_from_calls() {
    let limits = json!({"calls": 1, "anonymous_streams": 1, "deadline": "2s"});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    server.gate.open();
    let (one, two) = tokio::join!(idle_reflection(&server), async {
        let two = idle_reflection(&server).await;
        // Whichever came second was refused at once; the other is open still, and calls find their place.
        assert!(server.waiting(None).await.unwrap().is_ok());
        two
    });
    let mut codes = [one.unwrap_err().code(), two.unwrap_err().code()];
    codes.sort_by_key(|code| *code as i32);
    assert_eq!(codes, [Code::DeadlineExceeded, Code::ResourceExhausted]);
}

#[tokio::test]
async fn those_who_watch_health_are_counted() {
    let limits = json!({"health_watchers": 1});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let mut client = HealthClient::new(server.channel.clone());
    let first = client.watch(HealthCheckRequest::default()).await.unwrap();
    let refused = client.watch(HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(client.check(HealthCheckRequest::default()).await.is_ok());
    drop(first);
    while client.watch(HealthCheckRequest::default()).await.is_err() {
        tokio::task::yield_now().await;
    }
}
