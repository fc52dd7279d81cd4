//! What users from outside do with their tokens at the edge: elevated operations, agents, revoking.

use std::process::Command;

use serde_json::json;

use super::issuer::Issuer;
use super::mesh::{Outside, answer};
use crate::mesh::HALLPASS;
use crate::tools::{Ran, run};

fn hallpass(mesh: &Outside, token: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(HALLPASS);
    command.args(arguments).args(["--server", &mesh.url()]).env("HALLPASS_TOKEN", token);
    run(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_a_user_from_outside_ends_with_the_users_own_token() {
    let Some(mut acme) = Issuer::start() else { return };
    let mesh = Outside::start(&[&acme]);
    mesh.until_known().await;
    let channel = mesh.platform().await;
    // Known by what was signed: the issuer gives it no id.
    let token = acme.token("alice", "RS256", &json!({"jti": null}));
    let other = acme.token("alice", "RS256", &json!({}));
    let made = hallpass(&mesh, &token, &["agent", "delegate", "robot", "--scope", "datasets:read"]);
    assert_eq!(made.code, 0, "{made:?}");
    let robot = made.stdout.trim_end();
    assert_eq!(answer(&channel, "ListDatasets", robot).await, "OK");

    let revoked = hallpass(&mesh, &token, &["token", "revoke", "--reason", "test"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    for gone in [&token[..], robot] {
        assert_eq!(answer(&channel, "ListDatasets", gone).await, "Unauthenticated TOKEN_REVOKED");
    }
    assert_eq!(answer(&channel, "ListDatasets", &other).await, "OK", "it is another token");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_one_user_ends_and_nothing_of_their_namesake() {
    let (Some(mut acme), Some(mut other)) = (Issuer::start(), Issuer::start()) else { return };
    let mesh = Outside::start(&[&acme, &other]);
    mesh.until_known().await;
    let channel = mesh.platform().await;
    let (mine, agents_parent) =
        (acme.token("alice", "RS256", &json!({})), acme.token("alice", "ES256", &json!({})));
    let namesakes = other.token("alice", "RS256", &json!({}));
    let made = hallpass(
        &mesh,
        &agents_parent,
        &["agent", "delegate", "robot", "--scope", "datasets:read"],
    );
    assert_eq!(made.code, 0, "{made:?}");
    let revoked = hallpass(&mesh, &mine, &["token", "revoke-all", "--reason", "laptop lost"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    for gone in [&mine[..], &agents_parent, made.stdout.trim_end()] {
        assert_eq!(answer(&channel, "ListDatasets", gone).await, "Unauthenticated TOKEN_REVOKED");
    }
    assert_eq!(answer(&channel, "ListDatasets", &namesakes).await, "OK");
}
