//! Sessions on the running mesh: a handle stands for a token, as long as both are good, and is found nowhere.

use std::path::Path;
use std::process::Command;

use hallpass_policy::Rule;
use serde_json::Value;
use tonic::transport::Channel;

use crate::mesh::{HALLPASS, Mesh, connect};
use crate::raw;
use crate::tools::{Ran, run};
use crate::tour::mint;

const LIST: &str = "/hallpass.platform.v1.DatasetService/ListDatasets";
const AT_LABELER: &str = "/hallpass.labeler.v1.DatasetService/ListDatasets";
const REVOKED: &str = "Unauthenticated TOKEN_REVOKED";
const INVALID: &str = "Unauthenticated TOKEN_INVALID";

/// Runs `hallpass session ARGUMENTS` with this credential.
fn session(mesh: &Mesh, credential: &str, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.arg("session").args(arguments).args(["--server", &server]);
    run(command.env("HALLPASS_TOKEN", credential))
}

fn opened(mesh: &Mesh, token: &str) -> String {
    let ran = session(mesh, token, &["open"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.stdout.trim_end().to_owned()
}

fn listed(mesh: &Mesh, credential: &str) -> Vec<Value> {
    let ran = session(mesh, credential, &["list", "--output", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("a list")
}

async fn answer(channel: &Channel, path: &str, metadata: &[(&str, &str)]) -> String {
    let rule: &Rule = hallpass_contract::rule(path).expect("a declared RPC");
    raw::call(channel, rule, Vec::new(), metadata).await
}

async fn with(channel: &Channel, path: &str, credential: &str) -> String {
    answer(channel, path, &[("authorization", &format!("Bearer {credential}"))]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_does_what_its_token_does_until_the_session_is_closed() {
    let mesh = Mesh::up();
    let platform = connect(&mesh.platform()).await;
    let token = mint(&mesh, "alice");
    let (first, second) = (opened(&mesh, &token), opened(&mesh, &token));
    assert!(first.starts_with("hps_") && first.len() == 47 && first != second);
    assert_eq!(with(&platform, LIST, &first).await, "OK");
    // The session lists and closes itself and its siblings, and tells no handle.
    let rows = listed(&mesh, &first);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| !row.to_string().contains("hps_")), "{rows:?}");
    let current = rows.iter().find(|row| row["current"] == true).expect("its own");
    let id = current["session_id"].as_str().expect("an id").to_owned();
    assert_eq!(session(&mesh, &second, &["close", &id]).code, 0);
    assert_eq!(with(&platform, LIST, &first).await, REVOKED);
    assert_eq!(with(&platform, LIST, &second).await, "OK");
    assert_eq!(session(&mesh, &token, &["close", "--all"]).stdout, "closed 1\n");
    assert_eq!(with(&platform, LIST, &second).await, REVOKED);
    assert_eq!(with(&platform, LIST, &token).await, "OK", "the token itself was not revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_on_the_next_call_once_its_token_is_revoked() {
    let mesh = Mesh::up();
    let platform = connect(&mesh.platform()).await;
    let token = mint(&mesh, "alice");
    let handle = opened(&mesh, &token);
    assert_eq!(with(&platform, LIST, &handle).await, "OK");
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    command.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", &token);
    assert_eq!(run(&mut command).code, 0);
    assert_eq!(with(&platform, LIST, &handle).await, REVOKED);
}

/// Runs `hallpass token revoke - --as CALLER` with this on its standard input.
fn revoke_presented(mesh: &Mesh, presented: &str, caller: Option<&str>) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), presented).expect("it is written");
    let mut command = Command::new(HALLPASS);
    command.args(["token", "revoke", "-", "--server", &server]).env_remove("HALLPASS_TOKEN");
    command.envs(caller.map(|token| ("HALLPASS_TOKEN", token)));
    run(command.stdin(file.reopen().expect("it is read")))
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_handle_by_presenting_it_closes_the_session_and_leaves_the_token() {
    let mesh = Mesh::up();
    let platform = connect(&mesh.platform()).await;
    let (token, bob) = (mint(&mesh, "alice"), mint(&mesh, "bob"));
    let (first, second) = (opened(&mesh, &token), opened(&mesh, &token));
    let foreign = revoke_presented(&mesh, &first, Some(&bob));
    assert!(foreign.code != 0 && foreign.stderr.contains("NOT_THE_CALLERS"), "{foreign:?}");
    assert_eq!(with(&platform, LIST, &first).await, "OK");
    for (handle, caller) in [(&first, Some(token.as_str())), (&second, None)] {
        let revoked = revoke_presented(&mesh, handle, caller);
        assert_eq!((revoked.code, revoked.stdout.as_str()), (0, "revoked\n"), "{revoked:?}");
        assert_eq!(with(&platform, LIST, handle).await, REVOKED);
    }
    assert_eq!(with(&platform, LIST, &token).await, "OK", "the token was not presented");
    assert_eq!(listed(&mesh, &token).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_the_death_of_its_node_and_its_handle_is_found_nowhere() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let handle = opened(&mesh, &token);
    let closed = opened(&mesh, &token);
    let rows = listed(&mesh, &closed);
    let own = rows.iter().find(|row| row["current"] == true).expect("its own");
    let id = own["session_id"].as_str().expect("an id");
    assert_eq!(session(&mesh, &token, &["close", id]).code, 0);
    let mesh = Mesh::over(mesh.kill(), &[]);
    let platform = connect(&mesh.platform()).await;
    assert_eq!(with(&platform, LIST, &handle).await, "OK");
    assert_eq!(with(&platform, LIST, &closed).await, REVOKED);
    let looked = holds_none_of(mesh.data(), &[&handle[4..], &closed[4..], &token]);
    assert!(looked > 10, "only {looked} files were looked at");
}

/// Looks into every file beneath a folder; how many there were.
fn holds_none_of(folder: &Path, secrets: &[&str]) -> usize {
    let mut looked = 0;
    for file in std::fs::read_dir(folder).expect("a folder").flatten() {
        if file.path().is_dir() {
            looked += holds_none_of(&file.path(), secrets);
            continue;
        }
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        looked += 1;
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|some| some == secret.as_bytes());
            assert!(!found, "{} holds a secret", file.path().display());
        }
    }
    looked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_good_for_nothing_else() {
    let mesh = Mesh::up();
    let (platform, labeler) = (connect(&mesh.platform()).await, connect(&mesh.labeler()).await);
    let token = mint(&mesh, "alice");
    let handle = opened(&mesh, &token);
    assert_eq!(with(&labeler, AT_LABELER, &handle).await, INVALID, "Labeler takes no handles");
    let other = format!("{}A", &handle[..46]);
    let stranger = if other == handle { format!("{}B", &handle[..46]) } else { other };
    assert_eq!(with(&platform, LIST, &stranger).await, INVALID);
    let (bearer, own) = (format!("Bearer {token}"), format!("Bearer {handle}"));
    let twice = [("authorization", bearer.as_str()), ("authorization", own.as_str())];
    assert_eq!(answer(&platform, LIST, &twice).await, "Unauthenticated CREDENTIALS_MALFORMED");
    let beside = [("authorization", bearer.as_str()), ("hallpass-action", handle.as_str())];
    assert_eq!(answer(&platform, LIST, &beside).await, INVALID);
    // A session opens no session, and nobody's sessions are another's.
    let again = session(&mesh, &handle, &["open"]);
    assert!(again.code != 0 && again.stderr.contains("the very token"), "{again:?}");
    let bob = mint(&mesh, "bob");
    assert_eq!(listed(&mesh, &bob).len(), 0);
    let rows = listed(&mesh, &token);
    let id = rows[0]["session_id"].as_str().expect("an id");
    let foreign = session(&mesh, &bob, &["close", id]);
    assert!(foreign.code != 0 && foreign.stderr.contains("session_id"), "{foreign:?}");
    assert_eq!(with(&platform, LIST, &handle).await, "OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elevated_operation_works_beside_a_session() {
    let mesh = Mesh::up();
    let token = mint(&mesh, "alice");
    let handle = opened(&mesh, &token);
    let server = format!("http://{}", mesh.platform());
    let hallpass = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", &handle);
        run(&mut command)
    };
    let rows: Vec<Value> =
        serde_json::from_str(&hallpass(&["dataset", "list", "--output", "json"]).stdout)
            .expect("a list");
    let id = rows[0]["dataset_id"].as_str().expect("the sample");
    let shared = hallpass(&["dataset", "share", id, "bob:viewer"]);
    assert_eq!(shared.code, 0, "{shared:?}");
}

/// What a storage token of the fifth system holds: 32 buckets and 24 permissions, in about 4 KB of claims when written out.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_stands_for_a_token_with_many_grants_and_may_what_they_say() {
    const PERMISSIONS: [&str; 24] = [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "s3:ListAllMyBuckets",
        "s3:GetObjectVersion",
        "s3:PutObjectAcl",
        "s3:AbortMultipartUpload",
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:DeleteObjectTagging",
        "s3:GetObjectRetention",
        "s3:PutObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:PutObjectLegalHold",
        "s3:GetBucketLocation",
        "s3:GetBucketTagging",
        "s3:PutBucketTagging",
        "s3:DeleteBucketTagging",
        "s3:GetBucketAcl",
        "s3:PutBucketAcl",
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
    ];
    let mesh = Mesh::up();
    let buckets: Vec<String> = (0..31)
        .map(|number| format!("team-{number}-a-bucket-with-a-long-name-as-real-ones-have"))
        .chain(["datasets".to_owned()])
        .collect();
    let mut command = Command::new(HALLPASS);
    command.args(["token", "mint", "--subject", "alice", "--data"]).arg(mesh.data());
    command.args(buckets.iter().flat_map(|bucket| ["--bucket", bucket]));
    command.args(PERMISSIONS.iter().flat_map(|permission| ["--permission", permission]));
    let minted = run(&mut command);
    assert_eq!(minted.code, 0, "{minted:?}");
    let handle = opened(&mesh, minted.stdout.trim_end());
    let server = format!("http://{}", mesh.platform());
    let hallpass = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        run(command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", &handle))
    };
    let told = hallpass(&["whoami"]);
    assert!(told.stdout.contains("Buckets: 32 | Permissions: 24"), "{told:?}");
    let listed = hallpass(&["dataset", "list", "--output", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&listed.stdout).expect("a list");
    let id = rows[0]["dataset_id"].as_str().expect("the sample lies in a granted bucket");
    let target = tempfile::tempdir().expect("a folder");
    let to = target.path().join("pulled");
    let pulled = hallpass(&["dataset", "pull", id, to.to_str().expect("text")]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
}
