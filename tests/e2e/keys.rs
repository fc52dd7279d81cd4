//! Keys change while calls go on: none is refused for it, and a broken ring changes nothing.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hallpass_contract::auth::GetJwksRequest;
use hallpass_contract::auth::key_service_client::KeyServiceClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::mesh::{HALLPASS, Mesh, connect, ring_file};
use crate::raw;
use crate::tools::{Ran, run};
use crate::tour::{hallpass, mint};

const LIST: &str = "/hallpass.platform.v1.DatasetService/ListDatasets";

async fn answer(channel: &Channel, token: &str) -> String {
    let rule = hallpass_contract::rule(LIST).expect("a declared RPC");
    raw::call(channel, rule, Vec::new(), &[("authorization", &format!("Bearer {token}"))]).await
}

fn keys(mesh: &Mesh, arguments: &[&str]) {
    let data = mesh.data().to_str().expect("a path of text");
    let done = run(Command::new(HALLPASS).arg("keys").args(arguments).args(["--data", data]));
    assert_eq!(done.code, 0, "keys {arguments:?}: {done:?}");
}

/// Calls without a pause until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    callers: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    async fn start(mesh: &Mesh, token: &str) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut callers = Vec::new();
        for _ in 0..4 {
            let (stop, calls) = (Arc::clone(&stop), Arc::clone(&calls));
            let (channel, token) = (connect(&mesh.platform()).await, token.to_owned());
            callers.push(tokio::spawn(async move {
                let mut refused = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let answer = answer(&channel, &token).await;
                    calls.fetch_add(1, Ordering::Relaxed);
                    refused.extend((answer != "OK").then_some(answer));
                }
                refused
            }));
        }
        Self { stop, calls, callers }
    }

    /// How many calls there were, and the answers of those that were refused.
    async fn end(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut refused = Vec::new();
        for caller in self.callers {
            refused.extend(caller.await.expect("the caller ends"));
        }
        (self.calls.load(Ordering::Relaxed), refused)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_rotated_and_retired_without_a_refused_call() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let load = Load::start(&mesh, &token).await;
    for kid in ["platform-1", "labeler-1", "users-1", "platform-2"] {
        keys(&mesh, &["rotate", kid, "--settle", "1"]);
    }
    // By now both processes sign with keys that came after these.
    keys(&mesh, &["retire", "platform-1"]);
    keys(&mesh, &["retire", "labeler-1"]);
    let (calls, refused) = load.end().await;
    assert_eq!(refused, Vec::<String>::new(), "of {calls} calls");
    assert!(calls > 100, "only {calls} calls were made: that shows nothing");

    let signs = |ring: &str, kid: &str| mesh.ring(ring).key(kid).map(hallpass_token::Key::can_sign);
    assert_eq!(signs("platform", "platform-1"), Some(false), "what is replaced cannot sign");
    assert_eq!(signs("platform", "platform-3"), Some(true));
    assert_eq!(signs("labeler", "platform-3"), Some(false), "verifiers have public halves");

    let channel = connect(&mesh.platform()).await;
    let newer = mint(&mesh, "alice");
    assert_eq!(answer(&channel, &newer).await, "OK");
    keys(&mesh, &["retire", "users-1"]);
    until(async || answer(&channel, &token).await == "Unauthenticated TOKEN_INVALID").await;
    assert_eq!(answer(&channel, &newer).await, "OK");
}

/// Runs `hallpass keys rotate-running` as somebody whose token has these factors.
fn rotate_running(mesh: &Mesh, factors: &[&str], arguments: &[&str]) -> Ran {
    let mut mint = Command::new(HALLPASS);
    mint.args(["token", "mint", "--subject", "root", "--scope", "keys:admin,actions:issue"]);
    mint.args(factors.iter().flat_map(|factor| ["--amr", factor])).arg("--data").arg(mesh.data());
    let token = run(&mut mint).stdout;
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(["keys", "rotate-running", "--server", &server, "--output", "json"]);
    run(command.args(arguments).env("HALLPASS_TOKEN", token.trim_end()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_platform_rotates_its_keys_without_a_refused_call() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let refused = rotate_running(&mesh, &["pwd"], &[]);
    assert!(refused.stderr.contains("INSUFFICIENT_USER_AUTHENTICATION"), "{refused:?}");
    let load = Load::start(&mesh, &token).await;
    let rotated = rotate_running(&mesh, &["otp"], &["--settle", "1"]);
    assert_eq!(rotated.code, 0, "{rotated:?}");
    let again = rotate_running(&mesh, &["otp"], &["platform-2", "--settle", "1"]);
    assert_eq!(again.code, 0, "{again:?}");
    let (calls, refused) = load.end().await;
    assert_eq!(refused, Vec::<String>::new(), "of {calls} calls");
    assert!(calls > 100, "only {calls} calls were made: that shows nothing");

    let rows: serde_json::Value = serde_json::from_str(&rotated.stdout).expect("JSON");
    let rows = rows.as_array().expect("rows").iter();
    let mut rows: Vec<_> = rows.map(|row| row["successor"].as_str().expect("a kid")).collect();
    rows.sort_unstable();
    assert_eq!(rows, ["actions-2", "agents-2", "platform-2"]);
    let signs = |ring: &str, kid: &str| mesh.ring(ring).key(kid).map(hallpass_token::Key::can_sign);
    for (kid, does) in [("platform-1", false), ("platform-2", false), ("platform-3", true)] {
        assert_eq!(signs("platform", kid), Some(does), "{kid}");
    }
    assert_eq!(signs("labeler", "platform-3"), Some(false), "verifiers have public halves");
    assert_eq!(signs("labeler", "labeler-1"), Some(true), "others' keys stay");
    assert_eq!(signs("users", "users-1"), Some(true), "others' keys stay");
}

#[test]
fn a_ring_of_an_earlier_version_gets_the_keys_that_it_lacks() {
    let data = Mesh::up().kill();
    let file = ring_file(data.path(), "platform");
    let mut ring: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).expect("the ring")).expect("JSON");
    let keys = ring["keys"].as_array_mut().expect("keys");
    keys.retain(|key| !["actions-1", "agents-1"].contains(&key["kid"].as_str().expect("a kid")));
    std::fs::write(&file, ring.to_string()).expect("it can be written");
    let mesh = Mesh::over(data, &[]);
    for kid in ["actions-1", "agents-1"] {
        assert!(mesh.ring("platform").key(kid).is_some_and(hallpass_token::Key::can_sign), "{kid}");
    }
    let issued = hallpass(&mesh, &["action", "issue", "datasets.delete"], "alice");
    assert_eq!(issued.code, 0, "{issued:?}");
}

#[tokio::test]
async fn a_broken_ring_changes_nothing_and_health_says_so() {
    let mesh = Mesh::up();
    let channel = connect(&mesh.platform()).await;
    let token = mint(&mesh, "alice");
    let file = ring_file(mesh.data(), "platform");
    let whole = std::fs::read(&file).expect("the ring");
    for broken in [&b"{\"keys\": ["[..], b"{\"keys\": []}", b""] {
        std::fs::write(&file, broken).expect("it can be written");
        until(async || health(&channel).await == ServingStatus::NotServing).await;
        assert_eq!(answer(&channel, &token).await, "OK", "the former ring stays");
        std::fs::write(&file, &whole).expect("it can be written");
        until(async || health(&channel).await == ServingStatus::Serving).await;
    }
}

async fn health(channel: &Channel) -> ServingStatus {
    let request = HealthCheckRequest { service: "keys".to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.expect("the name is known").get_ref().status()
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it happens in time");
}

#[tokio::test]
async fn the_public_keys_are_given_away_as_a_document_and_by_rpc() {
    let mesh = Mesh::up();
    keys(&mesh, &["rotate", "platform-1", "--prepare"]);
    let by_rpc = async || {
        let channel = connect(&mesh.platform()).await;
        let answer = KeyServiceClient::new(channel).get_jwks(GetJwksRequest {}).await;
        let keys = answer.expect("anyone may ask").into_inner().keys;
        keys.into_iter().map(|key| (key.kid, key.x)).collect::<Vec<_>>()
    };
    until(async || by_rpc().await.len() == 4).await;

    let document = fetch(&mesh.platform(), "/.well-known/jwks.json").await;
    assert!(document.starts_with("HTTP/1.1 200 OK\r\n"), "{document}");
    let body = document.split_once("\r\n\r\n").expect("a body").1;
    let jwks: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let keys = jwks["keys"].as_array().expect("a key set");
    let text = |key: &serde_json::Value, name: &str| key[name].as_str().expect("text").to_owned();
    let pairs: Vec<_> = keys.iter().map(|key| (text(key, "kid"), text(key, "x"))).collect();
    assert_eq!(pairs, by_rpc().await);
    let mut names: Vec<_> = pairs.iter().map(|(kid, _)| kid.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["actions-1", "agents-1", "platform-1", "platform-2"]);
    assert!(keys.iter().all(|key| key.get("d").is_none() && key.get("k").is_none()));

    // Nothing else is to be had so.
    let elsewhere = fetch(&mesh.platform(), "/.well-known/other").await;
    assert!(!elsewhere.contains("keys"), "{elsewhere}");
    let none = fetch(&mesh.labeler(), "/.well-known/jwks.json").await;
    assert!(!none.contains("keys"), "{none}");
}

/// What plain HTTP answers.
async fn fetch(address: &str, path: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("the node listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("it can be asked");
    let mut answer = Vec::new();
    // A node that speaks no HTTP/1.1 closes the connection.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
