//! What the health service says of the process, the node and each service.

use std::sync::atomic::Ordering;

use hallpass_contract::auth::{REVOCATION_SERVICE, TOKEN_SERVICE};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{
    self, NotServing, ServiceUnknown, Serving,
};
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Flags, Running};

async fn check(server: &Running, name: &str) -> Result<ServingStatus, Status> {
    let mut client = HealthClient::new(server.channel.clone());
    let request = HealthCheckRequest { service: name.to_owned() };
    Ok(client.check(request).await?.into_inner().status())
}

#[tokio::test]
async fn each_name_says_what_it_stands_for() {
    let server = Running::start(&Flags::new()).await;
    // Whether the node and one of its services are ready; then the process, the node, that service, another one.
    for (node, own, expected) in [
        (true, true, [Serving, Serving, Serving, Serving]),
        (true, false, [Serving, Serving, NotServing, Serving]),
        (false, true, [Serving, NotServing, NotServing, NotServing]),
    ] {
        server.ready.store(node, Ordering::SeqCst);
        server.own.store(own, Ordering::SeqCst);
        let names = ["live", "", TOKEN_SERVICE, REVOCATION_SERVICE];
        for (name, expected) in names.into_iter().zip(expected) {
            assert_eq!(check(&server, name).await.unwrap(), expected, "{name:?} {node} {own}");
        }
    }
    assert_eq!(check(&server, "no.Such").await.unwrap_err().code(), Code::NotFound);
}

/// gRFC A90. The messages as its client knows them.
mod listed {
    use std::collections::HashMap;

    use tonic_health::pb::HealthCheckResponse;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Answer {
        #[prost(map = "string, message", tag = "1")]
        pub(super) statuses: HashMap<String, HealthCheckResponse>,
    }
}

#[tokio::test]
async fn a_list_tells_the_status_of_every_name() {
    let server = Running::start(&Flags::new()).await;
    server.own.store(false, Ordering::SeqCst);
    let mut client = tonic::client::Grpc::new(server.channel.clone());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/List");
    let codec = tonic_prost::ProstCodec::default();
    let request = tonic::Request::new(listed::Request {});
    let answer = client.unary(request, path, codec).await.unwrap().into_inner();
    let answer: listed::Answer = answer;
    let mut statuses: Vec<_> =
        answer.statuses.iter().map(|(name, status)| (&**name, status.status())).collect();
    statuses.sort_unstable();
    let services = [(REVOCATION_SERVICE, Serving), (TOKEN_SERVICE, NotServing)];
    assert_eq!(statuses, [&[("", Serving)], &services[..], &[("live", Serving)]].concat());
}

#[tokio::test]
async fn a_watch_tells_at_once_and_whenever_it_changes() {
    let server = Running::start(&Flags::new()).await;
    let mut client = HealthClient::new(server.channel.clone());
    let request = |name: &str| HealthCheckRequest { service: name.to_owned() };
    let mut statuses = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), Serving);
    server.ready.store(false, Ordering::SeqCst);
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), NotServing);
    server.ready.store(true, Ordering::SeqCst);
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), Serving);
    let mut unknown = client.watch(request("no.Such")).await.unwrap().into_inner();
    assert_eq!(unknown.message().await.unwrap().unwrap().status(), ServiceUnknown);

    server.switch.press();
    assert_eq!(statuses.message().await.unwrap().unwrap().status(), NotServing);
    assert_eq!(statuses.message().await.unwrap(), None);
}
