//! Tools see the services that are served, in both versions of the protocol, unless reflection is off.

use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};

use crate::fixture::{Flags, Running};

const SERVED: [&str; 3] = [
    "grpc.health.v1.Health",
    "hallpass.auth.v1.RevocationService",
    "hallpass.auth.v1.TokenService",
];

/// Lists the services by one version of the protocol, reflection itself left out.
macro_rules! list {
    ($version:ident, $channel:expr) => {{
        use $version::server_reflection_client::ServerReflectionClient;
        use $version::server_reflection_request::MessageRequest::ListServices;
        use $version::server_reflection_response::MessageResponse::ListServicesResponse;
        let request = $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new($channel);
        let answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap();
        let answer = answers.into_inner().message().await.unwrap().unwrap();
        let names = match answer.message_response {
            Some(ListServicesResponse(list)) => list.service,
            _ => Vec::new(),
        };
        let mut names: Vec<_> = names.into_iter().map(|service| service.name).collect();
        names.retain(|name| !name.starts_with("grpc.reflection."));
        names.sort();
        names
    }};
}

#[tokio::test]
async fn only_what_is_served_is_listed() {
    let server = Running::start(&Flags::new()).await;
    assert_eq!(list!(v1, server.channel.clone()), SERVED);
    assert_eq!(list!(v1alpha, server.channel.clone()), SERVED);
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let server = Running::start(&Flags::from([("reflection", false.into())])).await;
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(server.channel.clone());
    let nothing = tokio_stream::empty::<v1::ServerReflectionRequest>();
    let refused = client.server_reflection_info(nothing).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
}
