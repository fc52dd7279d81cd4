//! Datasets, jobs and revocation against a running mesh.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::{Hallpass, Ran, hallpass};

/// A mesh of its own, ended when dropped.
struct Mesh {
    child: Child,
    server: String,
    data: TempDir,
}

impl Mesh {
    fn up() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args(["up", "--platform", "127.0.0.1:0", "--labeler", "127.0.0.1:0"])
            .args(["--output", "json", "--data"])
            .arg(data.path())
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).expect("the mesh got ready");
        let server = format!("http://{}", addresses["platform"].as_str().unwrap());
        Self { child, server, data }
    }

    fn token(&self, subject: &str) -> String {
        let data = self.data.path().to_str().unwrap();
        hallpass(&["token", "mint", "--data", data, "--subject", subject]).run().token().to_owned()
    }

    fn command(&self, arguments: &[&str], token: &str) -> Hallpass {
        let command = hallpass(arguments).env("HALLPASS_SERVER", &self.server);
        command.env("HALLPASS_TOKEN", token)
    }

    fn json(&self, arguments: &[&str], token: &str) -> Value {
        let ran = self.command(&[arguments, &["--output", "json"]].concat(), token).run();
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.json()
    }

    fn run(&self, arguments: &[&str], token: &str) -> Ran {
        self.command(arguments, token).run()
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../labeler/sample/shapes")
}

/// Every file beneath a folder with its content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_owned();
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_folder_goes_up_and_comes_down_as_it_was() {
    let mesh = Mesh::up();
    let (alice, bob, carol) = (mesh.token("alice"), mesh.token("bob"), mesh.token("carol"));
    let sample = sample();
    let folder = sample.to_str().unwrap();
    let import = ["dataset", "import", folder, "--name", "forms", "--share", "bob:viewer"];
    let made = mesh.json(&import, &alice);
    assert_eq!((&made["display_name"], &made["owner"]), (&json!("forms"), &json!("alice")));
    assert_eq!(made["classes"].as_array().unwrap().len(), 3);
    let id = made["dataset_id"].as_str().unwrap();

    let listed = mesh.json(&["dataset", "list"], &alice);
    assert_eq!(listed[0], made, "newest first");
    assert_eq!(mesh.json(&["dataset", "get", id], &bob), made);
    let check = ["dataset", "check", id];
    let of_bob = mesh.json(&check, &bob);
    assert_eq!(of_bob, json!({"role": "viewer", "permissions": ["read"], "leaks": []}));
    assert_eq!(mesh.json(&check, &carol), json!({"role": "none", "permissions": []}));
    mesh.run(&["dataset", "get", id], &carol).fails(1, "(reason OBJECT_REFUSED, decision ");

    let there = tempfile::tempdir().unwrap();
    let there = there.path().join("down");
    let pull = ["dataset", "pull", id, there.to_str().unwrap()];
    let pulled = mesh.json(&pull, &bob);
    assert_eq!((&pulled["bytes"], &pulled["kept"]), (&made["size_bytes"], &json!(0)));
    assert_eq!(content(&there), content(&sample));
    assert_eq!(mesh.json(&pull, &bob)["kept"], made["file_count"], "all of it is there");
    std::fs::write(there.join("README.md"), "another").unwrap();
    mesh.run(&pull, &bob).fails(1, "--force");
    assert_eq!(mesh.json(&[&pull[..], &["--force"]].concat(), &bob)["fetched"], json!(1));

    let job = mesh.json(&["job", "create", "--dataset", id, "--name", "first"], &bob);
    assert_eq!((&job["state"], &job["dataset_id"]), (&json!("queued"), &made["dataset_id"]));
    // It goes on by itself meanwhile: what does not change is compared.
    assert_eq!(mesh.json(&["job", "list"], &bob)[0]["job_id"], job["job_id"]);
    let job_id = job["job_id"].as_str().unwrap();
    assert_eq!(mesh.json(&["job", "get", job_id], &bob)["owner"], "bob");
    mesh.run(&["job", "get", job_id], &carol).fails(1, "OBJECT_REFUSED");

    let delete = ["dataset", "delete", id];
    mesh.run(&delete, &bob).fails(1, "OBJECT_REFUSED");
    mesh.run(&[&delete[..], &["--etag", "other"]].concat(), &alice).fails(1, "error: ");
    assert_eq!(mesh.json(&delete, &alice), json!({"deleted": id}));
    mesh.run(&["dataset", "get", id], &alice).fails(1, "OBJECT_REFUSED");
}

#[test]
fn a_token_is_revoked_by_presenting_it() {
    let mesh = Mesh::up();
    let list = ["dataset", "list"];
    let (own, given, other) = (mesh.token("alice"), mesh.token("alice"), mesh.token("alice"));
    let works = |token: &str| mesh.run(&list, token).code == 0;
    assert!(works(&own) && works(&given));

    let revoke = ["token", "revoke", "--reason", "a test"];
    for _ in ["the first time", "again: it is so already"] {
        assert_eq!(mesh.run(&revoke, &own).stdout, "revoked\n");
    }
    mesh.run(&list, &own).fails(1, "reason TOKEN_REVOKED");

    let by_stdin = ["token", "revoke", "-"];
    let revoked = mesh.command(&by_stdin, &other).stdin(given.clone()).run();
    assert_eq!((revoked.code, revoked.stderr.as_str()), (0, ""));
    assert!(!works(&given));
    assert!(works(&other), "only the token presented is revoked");
    let refused = mesh.command(&by_stdin, &own).stdin(other.clone()).run();
    refused.fails(1, "reason TOKEN_REVOKED");
    assert!(works(&other), "a revoked token revokes nothing");
}

#[test]
fn a_broken_folder_is_refused_by_the_name_of_the_file() {
    let mesh = Mesh::up();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("cat")).unwrap();
    std::fs::write(folder.path().join("cat/1.png"), "no image").unwrap();
    let path = folder.path().to_str().unwrap();
    let token = mesh.token("alice");
    let before = mesh.json(&["dataset", "list"], &token);
    mesh.run(&["dataset", "import", path, "--name", "n"], &token).fails(1, "cat/1.png");
    assert_eq!(mesh.json(&["dataset", "list"], &token), before, "nothing is left of it");
}

#[test]
fn what_has_a_name_is_given_by_it() {
    let mesh = Mesh::up();
    let token = mesh.token("alice");
    let sample = sample();
    let folder = sample.to_str().unwrap();
    mesh.json(&["dataset", "import", folder, "--name", "my forms"], &token);
    let named = mesh.json(&["dataset", "get", "my forms"], &token);
    let id = named["dataset_id"].as_str().unwrap();
    assert_eq!(mesh.json(&["dataset", "get", id], &token), named, "an id is taken as before");
    mesh.json(&["dataset", "split", "my forms", "--train", "1"], &token);
    mesh.json(&["dataset", "snapshot", "create", "my forms", "--name", "first"], &token);
    let snapshot = mesh.json(&["dataset", "snapshot", "get", "my forms/first"], &token);
    assert_eq!(snapshot["dataset_id"], id);
    let there = tempfile::tempdir().unwrap();
    let down = there.path().join("down");
    mesh.json(&["dataset", "pull", "my forms/first", down.to_str().unwrap()], &token);
    assert_eq!(content(&down), content(&sample));
    let create = ["job", "create", "--snapshot", "my forms/first", "--name", "one"];
    let job = mesh.json(&create, &token);
    assert_eq!(mesh.json(&["job", "get", "one"], &token)["job_id"], job["job_id"]);
    assert_eq!(
        mesh.json(&["job", "list", "--dataset", "my forms"], &token)[0]["job_id"],
        job["job_id"]
    );

    let get = |name: &str| mesh.run(&["dataset", "get", name], &token);
    get("no forms").fails(1, "no dataset has the name \"no forms\"; right: an id or a name");
    mesh.run(&["job", "get", "two"], &token).fails(1, "no job has the name \"two\"");
    let absent = mesh.run(&["dataset", "snapshot", "get", "my forms/second"], &token);
    absent.fails(1, "no snapshot has the name \"second\"");
    get("ds_1").fails(1, "OBJECT_REFUSED");
    mesh.json(&["dataset", "import", folder, "--name", "twin"], &token);
    mesh.json(&["dataset", "update", "twin", "--name", "my forms"], &token);
    get("my forms").fails(1, "2 datasets have the name \"my forms\"; right: one of their ids, ds_");
    // Whose token cannot list is told that an id needs no list.
    let data = mesh.data.path().to_str().unwrap();
    let mint = ["token", "mint", "--data", data, "--subject", "alice", "--scope", "jobs:read"];
    let narrow = hallpass(&mint).run().token().to_owned();
    mesh.run(&["dataset", "get", "my forms"], &narrow).fails(1, "an id needs none");
}

#[test]
fn trainers_action_tokens_and_everybodys_sessions_are_listed() {
    let mesh = Mesh::up();
    let alice = mesh.token("alice");
    let trainers = mesh.json(&["job", "trainers"], &alice);
    assert_eq!((&trainers[0]["name"], &trainers[0]["usual"]), (&json!("stats"), &json!(true)));

    let issued =
        mesh.json(&["action", "issue", "datasets.delete", "--resource", "dataset:Shapes"], &alice);
    let tokens = mesh.run(&["action", "tokens", "--output", "json"], &alice);
    assert!(!tokens.stdout.contains(issued["token"].as_str().unwrap()), "{tokens:?}");
    let tokens = tokens.json();
    assert_eq!(tokens[0]["token_id"], issued["token_id"]);
    assert_eq!((&tokens[0]["state"], &tokens[0]["single_use"]), (&json!("good"), &json!(true)));
    assert!(tokens[0]["resource"].as_str().unwrap().starts_with("dataset:ds_"), "{tokens}");

    let data = mesh.data.path().to_str().unwrap();
    let mint = |more: &[&str]| {
        let mint = ["token", "mint", "--data", data, "--subject"];
        hallpass(&[&mint[..], more].concat()).run().token().to_owned()
    };
    let grants = ["--bucket", "pictures", "--permission", "s3:GetObject", "--level", "read"];
    let bob = mint(&[&["bob"][..], &grants].concat());
    let opened = mesh.json(&["session", "open"], &bob);
    let id = opened["session"]["session_id"].as_str().unwrap();
    let operator = mint(&["root", "--scope", "diagnostics:admin"]);
    let list = ["session", "list", "--everyone"];
    let all = mesh.json(&list, &operator);
    assert_eq!(all[0]["session"]["session_id"], id);
    assert_eq!(all[0]["token"]["subject"], "bob");
    let shown = mesh.run(&["session", "show", id], &operator);
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in ["bob", "pictures", "s3:GetObject", "level"] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    assert!(!shown.stdout.contains("hps_") && !shown.stdout.contains("eyJ"), "{shown:?}");
    mesh.run(&list, &alice).fails(1, "SCOPE_MISSING");
    mesh.run(&["session", "show", "ses_x"], &operator).fails(1, "none is open under this id");
    let nobodys = mesh.json(&[&list[..], &["--subject", "carol"]].concat(), &operator);
    assert_eq!(nobodys, json!([]));

    let told = mesh.run(&["whoami"], &bob);
    for line in ["level read", "buckets pictures", "permissions s3:GetObject"] {
        let words = |told: &str| told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.stdout.lines().any(|told| words(told) == line), "{line:?}: {told:?}");
    }
    let told = mesh.json(&["token", "validate"], &bob);
    assert_eq!(told["validated_claims"]["buckets"], json!(["pictures"]), "{told}");
}
