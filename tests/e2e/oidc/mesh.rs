//! Platform and Labeler as two processes, Platform with outside issuers in its configuration.

use std::fmt::Write as _;
use std::time::Duration;

use hallpass_contract::auth::token_service_client::TokenServiceClient;
use hallpass_contract::auth::{IntrospectTokenRequest, IntrospectTokenResponse};
use serde_json::json;
use tempfile::TempDir;
use tonic::Request;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::issuer::Issuer;
use crate::mesh::{Mesh, Node, connect};
use crate::raw;

/// The prefixes of the first and the second issuer's users.
const PREFIXES: [&str; 2] = ["first:", "second:"];

/// Both services.
pub(super) struct Outside {
    platform: Node,
    labeler: Node,
    _data: TempDir,
}

impl Outside {
    /// Starts both; Platform takes the tokens of these issuers.
    pub(super) fn start(issuers: &[&Issuer]) -> Self {
        let data = Mesh::up().kill();
        let text = data.path().to_str().expect("text");
        let config = data.path().join("platform.toml");
        std::fs::write(&config, configuration(issuers)).expect("it can be written");
        let config = config.to_str().expect("text");
        let (at_platform, at_labeler) = (free_address(), free_address());
        let to = |address: &str| format!("http://{address}");
        let platform = Node::start(
            &[
                "platform",
                "--config",
                config,
                "--data",
                text,
                "--listen",
                &at_platform,
                "--labeler",
                &to(&at_labeler),
            ],
            &[],
        );
        let labeler = Node::start(
            &["labeler", "--data", text, "--listen", &at_labeler, "--platform", &to(&at_platform)],
            &[],
        );
        Self { platform, labeler, _data: data }
    }

    /// A way to Platform.
    pub(super) async fn platform(&self) -> Channel {
        connect(&self.platform.address("platform")).await
    }

    /// A way to Labeler.
    pub(super) async fn labeler(&self) -> Channel {
        connect(&self.labeler.address("labeler")).await
    }

    /// Platform's URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.platform.address("platform"))
    }

    /// Returns once there are keys of every issuer, and both services serve.
    pub(super) async fn until_known(&self) {
        let (platform, labeler) = (self.platform().await, self.labeler().await);
        until(async || is_serving(&platform, "oidc").await).await;
        until(async || is_serving(&platform, "hallpass.platform.v1.DatasetService").await).await;
        until(async || is_serving(&labeler, "hallpass.labeler.v1.DatasetService").await).await;
    }
}

async fn is_serving(channel: &Channel, service: &str) -> bool {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}

/// Only a token whose key is not known has the keys fetched anew: the regular fetch is a day away.
fn configuration(issuers: &[&Issuer]) -> String {
    let mut toml = "development = true\n".to_owned();
    for (issuer, prefix) in issuers.iter().zip(PREFIXES) {
        let url = &issuer.url;
        let roles = if prefix == "first:" {
            "roles_claim = 'realm_access.roles'\nroles = {'ml-admins' = ['operator']}\n"
        } else {
            ""
        };
        write!(
            toml,
            "[[oidc]]\nissuer = '{url}'\naudience = 'hallpass'\nsubject_prefix = '{prefix}'\nrefresh = '24h'\n{roles}\
             scopes = {{read = ['datasets:read'], share = ['actions:issue', 'agents:delegate']}}\n"
        )
        .expect("a string takes it");
    }
    toml
}

/// An address on loopback that was free a moment ago.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// What an RPC of Platform's `DatasetService` answers to a token.
pub(super) async fn answer(channel: &Channel, method: &str, token: &str) -> String {
    at(channel, &format!("/hallpass.platform.v1.DatasetService/{method}"), token).await
}

/// What Labeler answers to it.
pub(super) async fn at_labeler(channel: &Channel, token: &str) -> String {
    at(channel, "/hallpass.labeler.v1.DatasetService/ListDatasets", token).await
}

async fn at(channel: &Channel, path: &str, token: &str) -> String {
    let rule = hallpass_contract::rule(path).expect("a declared RPC");
    raw::call(channel, rule, Vec::new(), &[("authorization", &format!("Bearer {token}"))]).await
}

/// What Platform says of a token to its own holder.
pub(super) async fn introspect(channel: &Channel, token: &str) -> IntrospectTokenResponse {
    let mut request = Request::new(IntrospectTokenRequest { token: token.to_owned() });
    let header = format!("Bearer {token}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", header);
    let answer = TokenServiceClient::new(channel.clone()).introspect_token(request).await;
    answer.expect("the holder may ask").into_inner()
}

/// A token of a key that the issuer does not have.
pub(super) fn unknown_kid(issuer: &str) -> String {
    use base64::Engine as _;
    let part = |json: serde_json::Value| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let header = part(json!({"alg": "RS256", "typ": "at+jwt", "kid": "made up"}));
    let payload = part(json!({"iss": issuer, "aud": "hallpass", "sub": "alice"}));
    format!("{header}.{payload}.AAAA")
}

/// Asks again until it is so.
pub(super) async fn until(is_so: impl AsyncFn() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it happens in time");
}
