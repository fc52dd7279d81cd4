//! Tools see the services that are served, in both versions of the protocol, unless reflection is off.

use tonic::Code;
use tonic_reflection::pb::{v1, v1alpha};

use crate::fixture::{Flags, Running};

const SERVED: [&str; 3] = [
    "grpc.health.v1.Health",
    "hallpass.auth.v1.RevocationService",
    "hallpass.auth.v1.TokenService",
];

fn names<T>(services: Vec<T>, name: impl Fn(T) -> String) -> Vec<String> {
    let mut names: Vec<_> = services.into_iter().map(name).collect();
    names.retain(|name| !name.starts_with("grpc.reflection."));
    names.sort();
    names
}

#[tokio::test]
async fn only_what_is_served_is_listed() {
    let server = Running::start(&Flags::new()).await;
    {
        use v1::server_reflection_response::MessageResponse::ListServicesResponse;
        use v1::{
            server_reflection_client::ServerReflectionClient, server_reflection_request as ask,
        };
        let mut client = ServerReflectionClient::new(server.channel.clone());
        let list = ask::MessageRequest::ListServices(String::new());
        let request =
            v1::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
        let mut answers =
            client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap();
        let Some(ListServicesResponse(list)) = answer.message_response else { panic!() };
        assert_eq!(names(list.service, |service| service.name), SERVED);
    }
    use v1alpha::server_reflection_response::MessageResponse::ListServicesResponse;
    use v1alpha::{
        server_reflection_client::ServerReflectionClient, server_reflection_request as ask,
    };
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let list = ask::MessageRequest::ListServices(String::new());
    let request =
        v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut answers =
        client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(ListServicesResponse(list)) = answer.message_response else { panic!() };
    assert_eq!(names(list.service, |service| service.name), SERVED);
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
