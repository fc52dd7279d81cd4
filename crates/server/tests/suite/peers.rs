//! The way to a peer: what one caller does not read, or keeps open, is in nobody else's way.

use std::time::Duration;

use hallpass_server::Peer;
use serde_json::json;
use tokio_stream::{StreamExt as _, iter, pending};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::connections::start;
use crate::fixture::{Flags, config};

const WITHIN: Duration = Duration::from_secs(10);

/// The biggest file of the contract, asked for many times.
fn requests() -> impl tokio_stream::Stream<Item = ServerReflectionRequest> + Send + 'static {
    let file = MessageRequest::FileContainingSymbol("hallpass.auth.v1.TokenService".to_owned());
    let one = ServerReflectionRequest { host: String::new(), message_request: Some(file) };
    iter(std::iter::repeat_n(one, 2000)).chain(pending())
}

#[tokio::test]
async fn answers_that_nobody_reads_are_in_nobodys_way() {
    let (at, _switch) = start(json!({"address_percent": 100})).await;
    let channel = Peer::at(at).unwrap().channel(config(&Flags::new()).keepalive).unwrap();
    let mut unread = Vec::new();
    for _ in 0..30 {
        let mut client = ServerReflectionClient::new(channel.clone());
        let mut answers = client.server_reflection_info(requests()).await.unwrap().into_inner();
        assert!(answers.message().await.unwrap().is_some());
        unread.push(answers);
    }
    let mut health = HealthClient::new(channel);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let check = health.check(HealthCheckRequest::default());
        tokio::time::timeout(WITHIN, check).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn calls_that_stay_open_are_in_nobodys_way() {
    let (at, _switch) = start(json!({"address_percent": 100, "health_watchers": 2000})).await;
    let channel = Peer::at(at).unwrap().channel(config(&Flags::new()).keepalive).unwrap();
    let mut open = Vec::new();
    for _ in 0..600 {
        let mut client = HealthClient::new(channel.clone());
        let watch = client.watch(HealthCheckRequest::default());
        open.push(tokio::time::timeout(WITHIN, watch).await.unwrap().unwrap());
    }
    // One connection takes 256.
    let one = Channel::from_shared(format!("http://{at}")).unwrap().connect_lazy();
    let mut client = HealthClient::new(one);
    assert!(client.check(HealthCheckRequest::default()).await.is_ok());
}
