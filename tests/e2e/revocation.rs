//! Revoked means revoked, on every node and on open streams; a node that cannot know refuses.

use std::process::Command;
use std::time::{Duration, Instant};

use hallpass_contract::labeler::create_dataset_request::Part;
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::{
    CreateDatasetRequest, CreateDatasetStart, DatasetSpec, FileChunk,
};
use hallpass_policy::Rule;
use hallpass_token::{NewToken, TokenType};
use tonic::Request;
use tonic::transport::Channel;

use crate::callers::{fresh_id, now};
use crate::mesh::{HALLPASS, Mesh, connect};
use crate::raw;
use crate::tools::run;
use crate::tour::mint;

const PLATFORM_LIST: &str = "/hallpass.platform.v1.DatasetService/ListDatasets";
const LABELER_LIST: &str = "/hallpass.labeler.v1.DatasetService/ListDatasets";

fn rule(path: &str) -> &'static Rule {
    hallpass_contract::rule(path).expect("a declared RPC")
}

async fn answer(channel: &Channel, path: &str, token: &str) -> String {
    let header = format!("Bearer {token}");
    raw::call(channel, rule(path), Vec::new(), &[("authorization", &header)]).await
}

/// Calls until the answer is this one; fails after the bound.
async fn until_answer(channel: &Channel, path: &str, token: &str, wanted: &str, within: Duration) {
    let asked = async {
        while answer(channel, path, token).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(within, asked)
        .await
        .unwrap_or_else(|_| panic!("not {wanted} within {within:?}"));
}

fn revoke(mesh: &Mesh, token: &str) {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", token);
    let revoked = run(&mut command);
    assert_eq!(revoked.code, 0, "{revoked:?}");
}

/// A token that Platform would mint for Labeler on behalf of the holder of `parent`.
fn child(mesh: &Mesh, parent: &str, scope: &str) -> String {
    let parent =
        mesh.ring("platform").verify(parent, now()).expect("Platform knows the users' key");
    let mut child =
        NewToken::child_of(&parent, TokenType::Service, fresh_id(), &[scope]).expect("a child");
    child.service = Some("platform".to_owned());
    child.audience = vec!["labeler".to_owned()];
    child.scopes = std::iter::once(scope).collect();
    let minted =
        mesh.ring("platform").mint("platform-1", &child, now()).expect("Platform may sign it");
    minted.expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_refused_at_once_and_its_descendants_on_the_other_node() {
    let mesh = Mesh::up();
    let (platform, labeler) = (connect(&mesh.platform()).await, connect(&mesh.labeler()).await);
    let token = mint(&mesh, "alice");
    let child = child(&mesh, &token, "labeler:read");
    let other = mint(&mesh, "alice");
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "OK");
    assert_eq!(answer(&labeler, LABELER_LIST, &child).await, "OK");

    revoke(&mesh, &token);
    let acknowledged = Instant::now();
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
    let bound = Duration::from_secs(2);
    until_answer(&labeler, LABELER_LIST, &child, "Unauthenticated TOKEN_REVOKED", bound).await;
    eprintln!("Labeler refused {:?} after the acknowledgement", acknowledged.elapsed());
    assert_eq!(answer(&platform, PLATFORM_LIST, &other).await, "OK", "only that token is revoked");
}

/// An upload that is under way at Labeler ends when the user's token is revoked at Platform, though nobody sends anything.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_on_the_other_node_ends_with_its_token() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let (sender, parts) = tokio::sync::mpsc::channel(1);
    let start = CreateDatasetStart {
        dataset: Some(DatasetSpec { display_name: "cut".into(), ..DatasetSpec::default() }),
        request_id: String::new(),
    };
    sender.send(CreateDatasetRequest { part: Some(Part::Start(start)) }).await.expect("a place");
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(parts));
    let header =
        format!("Bearer {}", child(&mesh, &token, "labeler:write")).parse().expect("ASCII");
    request.metadata_mut().insert("authorization", header);
    let channel = connect(&mesh.labeler()).await;
    let upload =
        tokio::spawn(
            async move { DatasetServiceClient::new(channel).create_dataset(request).await },
        );
    // The start is taken by then, so the stream is open; the file never ends.
    let chunk = Part::Chunk(FileChunk { path: "cat/1.png".into(), data: vec![0x89, 0x50].into() });
    sender.send(CreateDatasetRequest { part: Some(chunk) }).await.expect("the upload goes on");
    assert!(!upload.is_finished());

    revoke(&mesh, &token);
    let acknowledged = Instant::now();
    let ended = tokio::time::timeout(Duration::from_secs(2), upload)
        .await
        .expect("it ends")
        .expect("no panic");
    eprintln!("the open stream ended {:?} after the acknowledgement", acknowledged.elapsed());
    assert_eq!(raw::describe(&ended.expect_err("it was cut")), "Unauthenticated TOKEN_REVOKED");
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_survives_the_death_of_the_process() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    revoke(&mesh, &token);
    let mesh = Mesh::over(mesh.kill(), &[]);
    let platform = connect(&mesh.platform()).await;
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
    let other = mint(&mesh, "alice");
    assert_eq!(answer(&platform, PLATFORM_LIST, &other).await, "OK");
}

/// Whoever has lost the list does not know what it has revoked: it refuses to start until the operator has said what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_list_is_reset_and_then_nothing_from_before_counts() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let data = mesh.kill();
    let folder = data.path().to_str().expect("text");
    std::fs::write(data.path().join("platform/revocations/db"), vec![0xa5; 100_000])
        .expect("a file");
    let labeler = "http://127.0.0.1:1";
    let start = ["platform", "--data", folder, "--listen", "127.0.0.1:0", "--labeler", labeler];
    let refused = run(Command::new(HALLPASS).args(start).env("RUST_LOG", "off"));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("hallpass revocations reset"), "{refused:?}");

    let reset = ["revocations", "reset", "--data", folder, "--reason", "disk broken"];
    let reset = run(Command::new(HALLPASS).args(reset));
    assert_eq!(reset.code, 0, "{reset:?}");
    assert!(reset.stdout.starts_with("everything issued up to 2"), "{reset:?}");
    let mesh = Mesh::over(data, &[]);
    let platform = connect(&mesh.platform()).await;
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
}

/// What a follower has kept fills the issuer's list again.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_list_is_refilled_from_a_followers() {
    let mesh = Mesh::up();
    let (token, other) = (mint(&mesh, "alice"), mint(&mesh, "alice"));
    let child = child(&mesh, &token, "labeler:read");
    revoke(&mesh, &token);
    let labeler = connect(&mesh.labeler()).await;
    let bound = Duration::from_secs(20);
    until_answer(&labeler, LABELER_LIST, &child, "Unauthenticated TOKEN_REVOKED", bound).await;
    let data = mesh.kill();
    std::fs::remove_file(data.path().join("platform/revocations/db")).expect("it is there");
    let from = data.path().join("labeler/revocations");
    let mut refill = Command::new(HALLPASS);
    refill.args(["revocations", "refill", "--data"]).arg(data.path()).arg("--from").arg(from);
    let refilled = run(&mut refill);
    assert_eq!((refilled.code, refilled.stdout.as_str()), (0, "1 revocations taken over\n"));
    let mesh = Mesh::over(data, &[]);
    let platform = connect(&mesh.platform()).await;
    assert_eq!(answer(&platform, PLATFORM_LIST, &token).await, "Unauthenticated TOKEN_REVOKED");
    assert_eq!(answer(&platform, PLATFORM_LIST, &other).await, "OK");
}

#[test]
fn operators_revoke_list_look_up_and_import() {
    let mesh = Mesh::up();
    let server = format!("http://{}", mesh.platform());
    let data = mesh.data().to_str().expect("text");
    let mint =
        ["token", "mint", "--data", data, "--subject", "root", "--scope", "revocations:admin"];
    let admin = run(Command::new(HALLPASS).args(mint));
    assert_eq!(admin.code, 0, "{admin:?}");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command.arg("revocations").args(arguments).args(["--server", &server]);
        run(command.env("HALLPASS_TOKEN", admin.stdout.trim()))
    };
    let revoked = command(&["revoke", "--session", "s-1", "--reason", "stolen"]);
    assert_eq!((revoked.code, revoked.stdout.as_str()), (0, "revoked, entry 1\n"), "{revoked:?}");
    let file = mesh.data().join("leaked.jsonl");
    let lines: Vec<_> = (0..1_000).map(|n| format!("{{\"key\": \"k-{n}\"}}\n")).collect();
    std::fs::write(&file, lines.concat()).expect("a file");
    let imported = command(&["import", file.to_str().expect("text")]);
    assert_eq!((imported.code, imported.stdout.as_str()), (0, "revoked 1000\n"), "{imported:?}");
    let shown = command(&["show", "--session", "s-1"]);
    assert!(shown.code == 0 && shown.stdout.contains("root") && shown.stdout.contains("stolen"));
    let listed = command(&["list", "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(1_001));
    let unknown = command(&["show", "--session", "s-2"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("NOT_REVOKED"), "{unknown:?}");
}

/// A user and a token are named with their issuer, in either order of the flags; what they name is refused at once.
#[test]
fn a_subject_and_a_token_are_revoked_by_name() {
    let mesh = Mesh::up();
    let server = format!("http://{}", mesh.platform());
    let call = |token: &str, arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        run(command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token))
    };
    let mint = |subject: &str, scope: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command
            .args(["token", "mint", "--subject", subject, "--data"])
            .arg(mesh.data())
            .args(scope);
        run(&mut command).stdout.trim_end().to_owned()
    };
    let admin = mint("root", &["--scope", "revocations:admin"]);
    let bob = mint("bob", &[]);
    let carol = mint("carol", &[]);
    let id = hallpass_token::inspect(&carol).expect("a token").payload["jti"].clone();
    let id = id.as_str().expect("it has an id").to_owned();
    let targets = [
        (["--issuer", "hallpass", "--subject", "bob"], bob),
        (["--token-id", &id, "--issuer", "hallpass"], carol),
    ];
    for (name, token) in targets {
        assert_eq!(call(&token, &["whoami"]).code, 0, "{name:?}: it is valid before");
        let about = |command: &'static str| [&["revocations", command], &name[..]].concat();
        let unknown = call(&admin, &about("show"));
        assert!(unknown.code == 1 && unknown.stderr.contains("NOT_REVOKED"), "{unknown:?}");
        let revoked = call(&admin, &[&about("revoke")[..], &["--reason", "laptop lost"]].concat());
        assert!(revoked.code == 0 && revoked.stdout.starts_with("revoked, entry"), "{revoked:?}");
        let shown = call(&admin, &about("show"));
        assert!(shown.code == 0 && shown.stdout.contains("laptop lost"), "{shown:?}");
        let refused = call(&token, &["whoami"]);
        assert!(refused.stderr.contains("TOKEN_REVOKED"), "{name:?}: {refused:?}");
    }
}
