//! Elevated operations on the running mesh: a token for one call is good for one, whatever happens at once or to the process.

use std::process::Command;

use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::auth::delegation_service_client::DelegationServiceClient;
use hallpass_contract::auth::{CreateDelegationRequest, IssueActionTokenRequest};
use hallpass_guard::elevate;
use tokio::task::JoinSet;
use tonic::Request;
use tonic::transport::Channel;

use crate::mesh::{HALLPASS, Mesh, connect};
use crate::raw;
use crate::tools::{self, Ran, run};
use crate::tour::{hallpass, mint};

const AUDIENCE: &str = "agents.delegate";

/// The caller's own token on a request.
fn authorized<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("Bearer {token}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", header);
    request
}

async fn issue(channel: &Channel, token: &str) -> String {
    let wish = IssueActionTokenRequest {
        audience: AUDIENCE.to_owned(),
        ..IssueActionTokenRequest::default()
    };
    let mut client = ActionServiceClient::new(channel.clone());
    let issued = client.issue_action_token(authorized(token, wish)).await;
    issued.expect("alice may have it").into_inner().token
}

/// Uses an action token; the answer as the matrix writes it.
async fn delegate(channel: &Channel, token: &str, action: &str) -> String {
    let mut request = authorized(
        token,
        CreateDelegationRequest {
            agent: "robot".to_owned(),
            scopes: vec!["datasets:read".to_owned()],
            ..CreateDelegationRequest::default()
        },
    );
    elevate(&mut request, action).expect("a token is metadata");
    match DelegationServiceClient::new(channel.clone()).create_delegation(request).await {
        Ok(_) => "OK".to_owned(),
        Err(status) => raw::describe(&status),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_uses_exactly_one_wins() {
    let mesh = Mesh::up();
    let (channel, token) = (connect(&mesh.platform()).await, mint(&mesh, "alice"));
    for _ in 0..5 {
        let action = issue(&channel, &token).await;
        let mut calls = JoinSet::new();
        for _ in 0..16 {
            let (channel, token, action) = (channel.clone(), token.clone(), action.clone());
            calls.spawn(async move { delegate(&channel, &token, &action).await });
        }
        let mut answers = calls.join_all().await;
        answers.sort();
        assert_eq!(answers[0], "OK");
        assert!(
            answers[1..].iter().all(|answer| answer == "Unauthenticated TOKEN_SPENT"),
            "{answers:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spent_stays_spent_when_the_process_is_killed() {
    let mesh = Mesh::up();
    let (channel, token) = (connect(&mesh.platform()).await, mint(&mesh, "alice"));
    let (spent, kept) = (issue(&channel, &token).await, issue(&channel, &token).await);
    assert_eq!(delegate(&channel, &token, &spent).await, "OK");
    let mesh = Mesh::over(mesh.kill(), &[]);
    let channel = connect(&mesh.platform()).await;
    assert_eq!(delegate(&channel, &token, &spent).await, "Unauthenticated TOKEN_SPENT");
    assert_eq!(delegate(&channel, &token, &kept).await, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_token_falls_with_the_token_that_it_was_issued_for() {
    let mesh = Mesh::up();
    let (channel, token) = (connect(&mesh.platform()).await, mint(&mesh, "alice"));
    let (other, bob) = (mint(&mesh, "alice"), mint(&mesh, "bob"));
    let action = issue(&channel, &token).await;
    assert_eq!(delegate(&channel, &bob, &action).await, "PermissionDenied ACTION_MISMATCH");
    let server = format!("http://{}", mesh.platform());
    let mut revoke = Command::new(HALLPASS);
    revoke.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", &token);
    assert_eq!(run(&mut revoke).code, 0);
    assert_eq!(delegate(&channel, &other, &action).await, "Unauthenticated TOKEN_REVOKED");
    let own = issue(&channel, &other).await;
    assert_eq!(delegate(&channel, &other, &own).await, "OK");
}

fn grpcurl(tool: &std::path::Path, token: &str, action: Option<&str>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(tool);
    command.args(["-plaintext", "-expand-headers", "-H", "authorization: Bearer ${TOKEN}"]);
    command.env("TOKEN", token);
    if let Some(action) = action {
        command.args(["-H", "hallpass-action: ${ACTION}"]).env("ACTION", action);
    }
    run(command.args(arguments))
}

#[test]
fn grpcurl_gets_a_token_and_uses_it_once() {
    let Some(tool) = tools::find("grpcurl") else { return };
    let mesh = Mesh::up();
    let (token, platform) = (mint(&mesh, "alice"), mesh.platform());
    let listed =
        grpcurl(&tool, &token, None, &[&platform, "hallpass.auth.v1.ActionService/ListAudiences"]);
    assert!(listed.stdout.contains(AUDIENCE), "{listed:?}");
    let wish = format!("{{\"audience\": \"{AUDIENCE}\", \"life_seconds\": 60}}");
    let issue = "hallpass.auth.v1.ActionService/IssueActionToken";
    let issued = grpcurl(&tool, &token, None, &["-d", &wish, &platform, issue]);
    assert_eq!(issued.code, 0, "{issued:?}");
    let issued: serde_json::Value = serde_json::from_str(&issued.stdout).expect("JSON");
    let action = issued["token"].as_str().expect("a token");

    let delegation = "{\"agent\": \"robot\", \"scopes\": [\"datasets:read\"]}";
    let call = ["-d", delegation, &platform, "hallpass.auth.v1.DelegationService/CreateDelegation"];
    let without = grpcurl(&tool, &token, None, &call);
    assert!(without.stderr.contains("ACTION_MISSING"), "{without:?}");
    let first = grpcurl(&tool, &token, Some(action), &call);
    assert_eq!(first.code, 0, "{first:?}");
    let second = grpcurl(&tool, &token, Some(action), &call);
    assert!(second.stderr.contains("TOKEN_SPENT"), "{second:?}");

    let long = wish.replace("60", "601");
    let refused = grpcurl(&tool, &token, None, &["-d", &long, &platform, issue]);
    assert!(refused.stderr.contains("30 to 600"), "the bounds are named: {refused:?}");
}

#[test]
fn the_command_line_has_agents_and_ends_them() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let server = format!("http://{}", mesh.platform());
    let alice = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", &token);
        run(&mut command)
    };
    let made = alice(&["agent", "delegate", "robot", "--scope", "datasets:read"]);
    assert_eq!(made.code, 0, "{made:?}");
    let robot = made.stdout.trim_end().to_owned();
    let as_robot = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", &robot);
        run(&mut command)
    };
    let listed = as_robot(&["dataset", "list"]);
    assert!(
        listed.code == 0 && listed.stdout.contains("Shapes"),
        "it sees what alice sees: {listed:?}"
    );
    let refused = as_robot(&["action", "issue", AUDIENCE]);
    assert!(refused.stderr.contains("SCOPE_MISSING"), "{refused:?}");

    let agents = alice(&["agent", "list", "--output", "json"]);
    let agents: serde_json::Value = serde_json::from_str(&agents.stdout).expect("JSON");
    assert_eq!((&agents[0]["agent"], &agents[0]["revoked"]), (&"robot".into(), &false.into()));
    let id = agents[0]["delegation_id"].as_str().expect("an id");
    assert_eq!(alice(&["agent", "revoke", id]).code, 0);
    assert!(as_robot(&["dataset", "list"]).stderr.contains("TOKEN_REVOKED"));
    assert!(alice(&["agent", "list"]).stdout.contains("revoked"));
}

#[test]
fn the_command_line_gets_uses_counts_and_ends_action_tokens() {
    let mesh = Mesh::up();
    let listed = hallpass(&mesh, &["action", "list"], "alice");
    assert!(
        listed.stdout.contains(AUDIENCE) && listed.stdout.contains("CreateDelegation"),
        "{listed:?}"
    );

    let file = mesh.data().join("action.token");
    let path = file.to_str().expect("a path of text");
    let issued = hallpass(&mesh, &["action", "issue", AUDIENCE, "--write", path], "alice");
    assert!(issued.code == 0 && issued.stdout.is_empty(), "{issued:?}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&file).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let delegate =
        ["agent", "delegate", "robot", "--scope", "datasets:read", "--action-token-file", path];
    assert_eq!(hallpass(&mesh, &delegate, "alice").code, 0);
    assert!(hallpass(&mesh, &delegate, "alice").stderr.contains("TOKEN_SPENT"));

    assert_eq!(hallpass(&mesh, &["action", "issue", AUDIENCE, "--write", path], "alice").code, 0);
    let revoke = ["action", "revoke", "--action-token-file", path];
    assert_eq!(hallpass(&mesh, &revoke, "alice").stdout, "revoked\n");
    assert!(hallpass(&mesh, &delegate, "alice").stderr.contains("TOKEN_REVOKED"));

    let usage = hallpass(&mesh, &["action", "usage", "--output", "json"], "alice");
    let usage: serde_json::Value = serde_json::from_str(&usage.stdout).expect("JSON");
    let sum = |what: &str| {
        let rows = usage.as_array().expect("rows").iter();
        rows.map(|row| row[what].as_u64().expect("a count")).sum::<u64>()
    };
    assert_eq!((sum("issued"), sum("used"), sum("refused")), (2, 1, 2));
    let life = hallpass(&mesh, &["action", "issue", AUDIENCE, "--expires-in", "1h"], "alice");
    assert!(life.stderr.contains("30 to 600"), "{life:?}");
}

#[test]
fn everything_of_ones_own_ends_at_once() {
    let mesh = Mesh::up();
    let (old, bob) = (mint(&mesh, "alice"), mint(&mesh, "bob"));
    let server = format!("http://{}", mesh.platform());
    let with = |token: &str, arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token);
        run(&mut command)
    };
    let revoked = with(&old, &["token", "revoke-all", "--reason", "laptop lost"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    assert!(with(&old, &["dataset", "list"]).stderr.contains("TOKEN_REVOKED"));
    assert_eq!(with(&bob, &["dataset", "list"]).code, 0);
}
