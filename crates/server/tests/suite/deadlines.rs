//! How long calls may take, and what handlers know of it.

use serde_json::json;
use tonic::Code;

use crate::fixture::{Flags, Running};

#[tokio::test]
async fn a_handler_knows_how_long_it_has() {
    let limits = json!({"deadline": "100s", "max_deadline": "1000s"});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    server.gate.open();
    for (stated, left) in [(None, 90..=100), (Some("500S"), 490..=500), (Some("9H"), 990..=1000)] {
        let answer = server.waiting(stated).await.unwrap().unwrap();
        let known: u64 = answer.issuer.parse().unwrap();
        assert!(left.contains(&known), "{stated:?}: {known}");
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended() {
    let limits = json!({"deadline": "20ms"});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let ended = server.waiting(None).await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_stream_lasts_as_long_as_its_caller_said() {
    let limits = json!({"deadline": "20ms", "max_deadline": "20ms"});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let mut unlimited = server.endless().await.unwrap();
    server.waiting(None).await.unwrap().unwrap_err();
    let silent = futures_util::FutureExt::now_or_never(unlimited.message());
    assert!(silent.is_none(), "a stream outlasts a unary call's deadline");
}
