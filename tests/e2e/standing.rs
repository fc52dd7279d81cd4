//! Two processes work as the one does, in either order of starting; each refuses what it cannot decide and recovers by itself.

use std::time::Duration;

use tempfile::TempDir;
use tonic::transport::Channel;

use crate::callers::{fresh_id, now};
use crate::mesh::{Mesh, Node, connect, read_ring, ring_file};
use crate::raw;

pub(crate) const PLATFORM_LIST: &str = "/hallpass.platform.v1.DatasetService/ListDatasets";
pub(crate) const LABELER_LIST: &str = "/hallpass.labeler.v1.DatasetService/ListDatasets";

/// A data folder with keys, as an operator would hand them out.
pub(crate) fn keys() -> TempDir {
    Mesh::up().kill()
}

fn platform(data: &TempDir, listen: &str, labeler: &str) -> Node {
    let data = data.path().to_str().expect("text");
    let peer = format!("http://{labeler}");
    Node::start(&["platform", "--data", data, "--listen", listen, "--labeler", &peer], &[])
}

fn labeler(data: &TempDir, listen: &str, platform: &str) -> Node {
    let data = data.path().to_str().expect("text");
    let peer = format!("http://{platform}");
    Node::start(&["labeler", "--data", data, "--listen", listen, "--platform", &peer], &[])
}

fn token(
    data: &TempDir,
    ring: &str,
    kid: &str,
    token_type: hallpass_token::TokenType,
    audience: &str,
    scope: &str,
) -> String {
    let mut token = hallpass_token::NewToken::new(token_type, fresh_id());
    token.subject = Some("alice".to_owned());
    token.service = token_type.names_service().then(|| "platform".to_owned());
    token.scopes = std::iter::once(scope).collect();
    token.audience = vec![audience.to_owned()];
    let ring = read_ring(&ring_file(data.path(), ring));
    ring.mint(kid, &token, now()).expect("the key may sign it").expose().to_owned()
}

pub(crate) fn user_token(data: &TempDir) -> String {
    token(data, "users", "users-1", hallpass_token::TokenType::User, "platform", "datasets:read")
}

pub(crate) fn service_token(data: &TempDir) -> String {
    token(
        data,
        "platform",
        "platform-1",
        hallpass_token::TokenType::Service,
        "labeler",
        "labeler:read",
    )
}

pub(crate) async fn until(channel: &Channel, path: &str, token: &str, wanted: &[&str]) -> String {
    let rule = hallpass_contract::rule(path).expect("a declared RPC");
    let header = format!("Bearer {token}");
    let asked = async {
        loop {
            let answer = raw::call(channel, rule, Vec::new(), &[("authorization", &header)]).await;
            if wanted.contains(&answer.as_str()) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked)
        .await
        .unwrap_or_else(|_| panic!("never {wanted:?}"))
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn labeler_starts_first_refuses_what_it_cannot_know_and_serves_once_platform_is_there() {
    let data = keys();
    let (at_platform, at_labeler) = (free_address(), free_address());
    let labeler = labeler(&data, &at_labeler, &at_platform);
    let channel = connect(&labeler.address("labeler")).await;
    let token = service_token(&data);
    until(&channel, LABELER_LIST, &token, &["Unavailable LIST_STALE"]).await;

    let platform = platform(&data, &at_platform, &at_labeler);
    until(&channel, LABELER_LIST, &token, &["OK"]).await;

    platform.kill();
    until(&channel, LABELER_LIST, &token, &["Unavailable LIST_STALE"]).await;
    let _again = self::platform(&data, &at_platform, &at_labeler);
    until(&channel, LABELER_LIST, &token, &["OK"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_starts_first_answers_unavailable_and_recovers() {
    let data = keys();
    let (at_platform, at_labeler) = (free_address(), free_address());
    let platform = platform(&data, &at_platform, &at_labeler);
    let channel = connect(&platform.address("platform")).await;
    let token = user_token(&data);
    until(&channel, PLATFORM_LIST, &token, &["Unavailable LABELER_UNAVAILABLE"]).await;

    let _labeler = labeler(&data, &at_labeler, &at_platform);
    until(&channel, PLATFORM_LIST, &token, &["OK"]).await;
}

#[test]
fn sigterm_drains_and_ends_with_zero() {
    assert_eq!(Mesh::up().terminate(), Some(0));
}
