//! Those who show no token take nothing from those who do: no place, little memory, little time.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::key_service_client::KeyServiceClient;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use hallpass_contract::auth::{
    GetJwksRequest, GetJwksResponse, IntrospectTokenRequest, KEY_SERVICE, KeyService,
    RevokeTokenRequest, RotateKeysRequest, RotateKeysResponse, serve_key_service,
};
use hallpass_policy::Permit;
use hallpass_revocation::ClaimStore;
use hallpass_server::{Server, Shutdown};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{
    DECLARED, Flags, NOW, NoClaims, Running, config, gate, limited, services, worker,
};

struct Jwks;

impl KeyService for Jwks {
    type Error = Status;

    async fn get_jwks(&self, _: GetJwksRequest) -> Result<GetJwksResponse, Status> {
        Ok(GetJwksResponse::default())
    }

    async fn rotate_keys(
        &self,
        _: Permit,
        _: RotateKeysRequest,
    ) -> Result<RotateKeysResponse, Status> {
        Ok(RotateKeysResponse::default())
    }
}

/// A stranger's call whose message never comes.
fn withheld(channel: &Channel) -> JoinHandle<Status> {
    let channel = channel.clone();
    tokio::spawn(async move {
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.unwrap();
        let mut request = Request::new(tokio_stream::pending::<GetJwksRequest>());
        request.metadata_mut().insert("grpc-timeout", "5M".parse().unwrap());
        let path = PathAndQuery::from_static("/hallpass.auth.v1.KeyService/GetJwks");
        let codec = tonic_prost::ProstCodec::<GetJwksRequest, GetJwksResponse>::default();
        grpc.client_streaming(request, path, codec).await.map(drop).unwrap_err()
    })
}

#[tokio::test(start_paused = true)]
async fn who_withholds_a_message_takes_no_place_from_calls_and_not_for_long() {
    let gate = gate();
    gate.open();
    let services = services(&gate).add(serve_key_service(Jwks));
    let limits = json!({"calls": 1, "anonymous_calls": 1});
    let config = config(&Flags::from([("limits", limits)]));
    let claims: Arc<dyn ClaimStore> = Arc::new(NoClaims);
    let (mut setup, keys) = limited(services, Some(claims), config.limits.of_calls());
    setup.declared = DECLARED.iter().copied().chain([KEY_SERVICE]).collect();
    let bound = Server::bind(&config, setup).await.unwrap();
    let at = Channel::from_shared(format!("http://{}", bound.address())).unwrap();
    let (_switch, shutdown) = Shutdown::by_hand();
    let _serving = tokio::spawn(bound.serve(shutdown));
    let channel = at.connect().await.unwrap();
    let (begun, silent) = (Instant::now(), withheld(&channel));
    let mut stranger = KeyServiceClient::new(channel.clone());
    while stranger.get_jwks(GetJwksRequest {}).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // The stranger's place is taken; the one for calls is free.
    let token = keys.ring().mint("worker", &worker(), NOW).unwrap().expose().to_owned();
    let mut request = Request::new(IntrospectTokenRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    TokenServiceClient::new(channel.clone()).introspect_token(request).await.unwrap();
    assert_eq!(silent.await.unwrap().code(), Code::DeadlineExceeded);
    let lasted = begun.elapsed();
    assert!(lasted <= Duration::from_secs(11), "{lasted:?}");
    stranger.get_jwks(GetJwksRequest {}).await.unwrap();
}

#[tokio::test]
async fn messages_that_nobody_answers_for_are_small() {
    let server = Running::start(&Flags::new()).await;
    let mut health = HealthClient::new(server.channel.clone());
    for (bytes, code) in [(1000, Code::NotFound), (1100, Code::ResourceExhausted)] {
        let check = HealthCheckRequest { service: "x".repeat(bytes) };
        let checked = health.check(check.clone()).await.unwrap_err();
        assert_eq!(checked.code(), code, "{checked}");
        let watched = health.watch(check).await.map(drop);
        assert_eq!(watched.is_ok(), code == Code::NotFound, "{watched:?}");
    }
    let mut tokens = TokenServiceClient::new(server.channel.clone());
    for (bytes, small) in [(65_000, true), (66_000, false)] {
        let revoke = RevokeTokenRequest { token: "x".repeat(bytes), reason: String::new() };
        let revoked = tokens.revoke_token(server.with_token(revoke)).await;
        assert_eq!(revoked.is_ok(), small, "{revoked:?}");
    }
}
