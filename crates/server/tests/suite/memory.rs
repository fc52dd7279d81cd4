//! What one caller holds of the memory is its own: beyond its share its calls wait, and others do not.

use hallpass_contract::auth::IntrospectTokenRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use serde_json::json;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::fixture::{Flags, Running};

const MESSAGE: usize = 65_000;

#[tokio::test(start_paused = true)]
async fn whose_requests_fill_its_share_waits_and_others_do_not() {
    let share = 8 << 20;
    let limits = json!({"memory_per_caller_bytes": share, "deadline": "60s"});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let calls = share / MESSAGE + 20;
    let under_way: Vec<_> = (0..calls)
        .map(|_| {
            let mut client = TokenServiceClient::new(server.channel.clone());
            let message = IntrospectTokenRequest { token: "x".repeat(MESSAGE) };
            let request = server.with_token(message);
            tokio::spawn(async move { client.introspect_token(request).await.map(drop) })
        })
        .collect();
    let mut ends: Vec<Status> = Vec::new();
    let mut health = HealthClient::new(server.channel.clone());
    for call in under_way {
        health.check(HealthCheckRequest::default()).await.unwrap();
        ends.push(call.await.unwrap().unwrap_err());
    }
    let refused = ends.iter().filter(|end| end.code() == Code::ResourceExhausted);
    let refused: Vec<_> = refused.collect();
    // Those that fitted wait at the gate until their deadline.
    assert!((15..=20).contains(&refused.len()), "{} of {calls}", refused.len());
    let late = ends.iter().filter(|end| end.code() == Code::DeadlineExceeded).count();
    assert_eq!(late + refused.len(), calls);
    assert!(refused[0].get_details_retry_info().is_some(), "{:?}", refused[0]);
    // All is given back with the calls.
    server.gate.open();
    assert!(server.waiting(None).await.unwrap().is_ok());
}
