//! Storage grants over the real mesh: what a token lets its holder do in a bucket, at Platform and at Labeler.

use std::process::Command;

use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::{DownloadDatasetRequest, GetDownloadUrlRequest};
use hallpass_token::{Grants, NewToken, TokenId, TokenType};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::callers::now;
use crate::datasets::{json_of, member, text};
use crate::mesh::{HALLPASS, Mesh, connect};
use crate::tools::{Ran, run};

/// The bucket of a mesh that keeps its files in a folder.
const BUCKET: &str = "datasets";

/// A token of alice's with these flags.
fn mint(mesh: &Mesh, flags: &[&str]) -> String {
    let mut command = Command::new(HALLPASS);
    command.args(["token", "mint", "--subject", "alice", "--data"]).arg(mesh.data()).args(flags);
    let minted = run(&mut command);
    assert_eq!(minted.code, 0, "{minted:?}");
    minted.stdout.trim_end().to_owned()
}

fn with(mesh: &Mesh, token: &str, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    run(command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token))
}

/// A dataset of alice's own.
fn sample(mesh: &Mesh) -> String {
    let listed = json_of(mesh, &["dataset", "list"], "alice");
    let id = member(&listed[0], "dataset_id");
    id.to_owned()
}

#[test]
fn grants_for_the_bucket_let_a_download_through_and_others_do_not() {
    let mesh = Mesh::up();
    let id = sample(&mesh);
    let read = ["--permission", "s3:GetObject", "--permission", "s3:ListBucket"];
    let token = |bucket: &str| mint(&mesh, &[&["--bucket", bucket][..], &read].concat());
    let target = tempfile::tempdir().expect("a folder");
    let pull = |token: &str, name: &str| {
        let to = target.path().join(name);
        with(&mesh, token, &["dataset", "pull", &id, text(&to)])
    };
    let pulled = pull(&token(BUCKET), "granted");
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let refused = pull(&token("elsewhere"), "refused");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("STORAGE_NOT_GRANTED"), "{refused:?}");
    let listed = with(&mesh, &token("elsewhere"), &["dataset", "list", "--output", "json"]);
    assert!(!listed.stdout.contains(&id), "{listed:?}");
    let listed = with(&mesh, &token(BUCKET), &["dataset", "list", "--output", "json"]);
    assert!(listed.stdout.contains(&id), "{listed:?}");
    // Whoever may read cannot write, and a level holds back what the operations name.
    let update = ["dataset", "update", &id, "--name", "Other"];
    let reader = with(&mesh, &token(BUCKET), &update);
    assert!(reader.stderr.contains("STORAGE_NOT_GRANTED"), "{reader:?}");
    let put = ["--bucket", BUCKET, "--permission", "p", "--permission", "l"];
    let held = mint(&mesh, &[&put[..], &["--level", "read"]].concat());
    let held = with(&mesh, &held, &update);
    assert!(held.stderr.contains("STORAGE_NOT_GRANTED"), "{held:?}");
    let writer = with(&mesh, &mint(&mesh, &put), &update);
    assert_eq!(writer.code, 0, "{writer:?}");
}

#[test]
fn a_token_of_4_kb_with_32_buckets_and_24_permissions_passes() {
    let mesh = Mesh::up();
    let id = sample(&mesh);
    let names: Vec<_> = (0..31).map(|n| format!("{n:02}{}", "x".repeat(60))).collect();
    let codes = "g p d l la gv pa amu gm pm dm gl pl dl gt pt dt gr pr dr gc pc dc gb";
    let mut flags: Vec<&str> = names.iter().flat_map(|name| ["--bucket", name]).collect();
    flags.extend(["--bucket", BUCKET]);
    flags.extend(codes.split(' ').flat_map(|code| ["--permission", code]));
    let token = mint(&mesh, &flags);
    assert!(token.len() > 3000, "{}", token.len());
    let shown = with(&mesh, &token, &["dataset", "get", &id]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let inspected = run(Command::new(HALLPASS).args(["token", "inspect", &token]));
    assert!(inspected.stdout.contains("32 buckets, 24 permissions, 0 unknown"), "{inspected:?}");
}

#[tokio::test]
async fn labeler_refuses_a_service_token_for_another_bucket() {
    let mesh = Mesh::up();
    let id = sample(&mesh);
    let mut labeler = DatasetServiceClient::new(connect(&mesh.labeler()).await);
    for (bucket, operation, allowed) in
        [(BUCKET, "g", true), ("elsewhere", "g", false), (BUCKET, "l", false), (BUCKET, "p", false)]
    {
        let bearer = service_token(&mesh, bucket, operation);
        let download = DownloadDatasetRequest { dataset_id: id.clone(), ..Default::default() };
        let answer = labeler.download_dataset(authorized(&bearer, download)).await;
        assert_eq!(answer.as_ref().err().map(reason), refusal(allowed), "{bucket} {operation}");
        let url = GetDownloadUrlRequest { dataset_id: id.clone(), path: "x".to_owned() };
        let refused = labeler
            .get_download_url(authorized(&bearer, url))
            .await
            .expect_err("a local folder has no URLs");
        assert_eq!(reason(&refused).1 == "STORAGE_NOT_GRANTED", !allowed, "{refused:?}");
    }
}

fn refusal(allowed: bool) -> Option<(Code, String)> {
    (!allowed).then(|| (Code::PermissionDenied, "STORAGE_NOT_GRANTED".to_owned()))
}

fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info().expect("a reason");
    (status.code(), info.reason)
}

fn authorized<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

/// A token as Platform mints them for alice, with grants of one operation in one bucket.
fn service_token(mesh: &Mesh, bucket: &str, operation: &str) -> String {
    let ring = mesh.ring("platform");
    let key = ring.active_signer("platform", TokenType::Service).expect("a key");
    let mut token = NewToken::new(TokenType::Service, TokenId::from_random([5; 16]));
    token.subject = Some("alice".to_owned());
    token.service = Some("platform".to_owned());
    token.audience = vec!["labeler".to_owned()];
    token.scopes = std::iter::once("labeler:read").collect();
    token.grants = Grants::of(&[bucket.to_owned()], &[operation.to_owned()], None).ok();
    ring.mint(key.kid(), &token, now()).expect("Platform may").expose().to_owned()
}
