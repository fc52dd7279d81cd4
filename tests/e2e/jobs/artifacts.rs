//! What jobs have made: kept in a folder or a bucket, fetched by their owners alone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use tempfile::TempDir;

use super::site::{HOLD, Site, text};
use crate::datasets::content;

/// Names the store: `http://127.0.0.1:PORT`. Whoever asks may make buckets there.
const SERVER: &str = "TEST_S3";
const BUCKET: &str = "hallpass-artifacts";

fn trainers(more: &str) -> String {
    let makes = "mkdir -p 'a b'; : > empty; head -c 3000000 /dev/zero | tr '\\\\0' x > 'a b/model'; \
                 ln -s /etc/passwd link; echo '{\\\"right\\\": 1}' > metrics.json";
    format!(
        "[jobs]\nattempts = 2\n{more}\n\
         [trainers.makes]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{makes}\"]\n\
         [trainers.holds]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"{HOLD}\"]\n"
    )
}

/// What a job's files are, as they were made.
fn made() -> Vec<(String, usize)> {
    [("a b/model", 3_000_000), ("empty", 0), ("metrics.json", 13)]
        .map(|(path, length)| (path.to_owned(), length))
        .into()
}

/// What the folder holds, by path and length, apart from the note of what was begun.
fn found(folder: &TempDir) -> Vec<(String, usize)> {
    let mut found: Vec<_> =
        content(folder.path()).into_iter().map(|(path, bytes)| (path, bytes.len())).collect();
    found.retain(|(path, _)| path != ".hallpass-pull");
    found.sort();
    found
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn what_a_job_has_made_is_fetched_by_its_owner_alone() {
    let site = Site::start(&trainers(""));
    let id = site.create("makes");
    assert_eq!(site.end(&id), "succeeded");
    let (all, one, stolen) = (folder(), folder(), folder());
    let told = site.json(&["job", "pull", &id, text(all.path())]);
    assert_eq!((&told["files"], &told["bytes"]), (&3.into(), &3_000_013.into()));
    assert_eq!(found(&all), made());
    let again = site.json(&["job", "pull", &id, text(all.path())]);
    assert_eq!((&again["fetched"], &again["kept"]), (&0.into(), &3.into()));
    site.json(&["job", "pull", &id, text(one.path()), "--path", "metrics.json"]);
    assert_eq!(found(&one), made()[2..]);

    let bob = site.call_with(&["job", "pull", &id, text(stolen.path())], &site.token("bob"));
    assert!(bob.stderr.contains("OBJECT_REFUSED"), "{bob:?}");
    let none =
        site.call(&["job", "pull", &id, text(stolen.path()), "--path", "../../platform.sqlite"]);
    assert!(none.stderr.contains("FILE_NOT_FOUND"), "{none:?}");
    let held = site.create("holds");
    let early = site.call(&["job", "pull", &held, text(stolen.path())]);
    assert!(early.stderr.contains("JOB_HAS_NO_RESULT"), "{early:?}");
    assert_eq!(found(&stolen), []);
    site.release();
}

/// A trainer whose names, numbers and lines are those of real ones.
fn odd() -> String {
    let script = "mkdir '2026-11-29T09:30:00'; echo weights > '2026-11-29T09:30:00/model:1.bin'; \
                  echo x > \"$(printf 'mod\\350le.bin')\"; echo x > \"$(printf 'two\\nlines')\"; \
                  echo '{\"accuracy\": 0.5, \"loss\": NaN, \"per_class\": {\"cat\": 1}}' > metrics.json; \
                  printf '\\r  1%%|   |\\r100%%|###|\\n\\033[32mgreen\\033[0m\\n'";
    let script = serde_json::Value::from(script);
    format!("[trainers.odd]\nprogram = \"/bin/sh\"\narguments = [\"-c\", {script}]\n")
}

#[test]
fn what_cannot_be_kept_is_left_out_and_told_and_costs_nothing_else() {
    let site = Site::start(&odd());
    let id = site.create("odd");
    assert_eq!(site.end(&id), "succeeded");
    assert_eq!(site.job(&id)["result"]["metrics"], serde_json::json!({"accuracy": 0.5}));
    let folder = folder();
    let told = site.json(&["job", "pull", &id, text(folder.path())]);
    assert_eq!((&told["files"], &told["left_out"]), (&2.into(), &serde_json::json!([])));
    let paths: Vec<_> = found(&folder).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["2026-11-29T09:30:00/model:1.bin", "metrics.json"]);
    let log = site.call(&["job", "logs", &id]).stdout;
    let mut lines: Vec<_> = log.lines().collect();
    lines[3..].sort_unstable();
    assert_eq!(
        lines,
        [
            "100%|###|",
            "green",
            "hallpass: metrics.json: left out what is no finite number: \"loss\", \"per_class\"",
            "hallpass: left out of the result: \"mod\\xE8le.bin\" has a name that is not UTF-8",
            "hallpass: left out of the result: \"two\\nlines\" has a control character or an invisible one in its name",
        ]
    );
}

#[test]
fn a_store_that_lost_a_jobs_files_says_so() {
    let site = Site::start(&trainers(""));
    let id = site.create("makes");
    assert_eq!(site.end(&id), "succeeded");
    let kept = site.data.path().join("platform/artifacts/jobs");
    std::fs::remove_file(kept.join(format!("{id}.json"))).expect("the list is there");
    let lost = site.call(&["job", "pull", &id, text(folder().path())]);
    assert!(lost.stderr.contains("RESULT_LOST"), "{lost:?}");
}

#[test]
fn results_are_kept_in_a_bucket() {
    let Some(server) = server() else { return };
    make_bucket(&server);
    let mut site = Site::without_platform();
    let environment = [("ARTIFACTS_ID", "tests"), ("ARTIFACTS_SECRET", "a-secret")];
    let bucket = |endpoint: &str| {
        trainers("first_pause = \"1s\"")
            + &format!(
                "[artifacts]\nbucket = \"{BUCKET}\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\nprefix = \"results\"\n\
             access_key_id = \"env:ARTIFACTS_ID\"\nsecret_access_key = \"env:ARTIFACTS_SECRET\"\n"
            )
    };
    site.start_platform(&bucket(&server), &environment);
    let id = site.create("makes");
    assert_eq!(site.end(&id), "succeeded");
    assert_eq!(site.job(&id)["result"]["artifact"], format!("jobs/{id}"));
    assert!(!site.data.path().join("platform/artifacts/jobs").exists());
    let all = folder();
    site.json(&["job", "pull", &id, text(all.path())]);
    assert_eq!(found(&all), made());

    site.kill_platform();
    site.start_platform(&bucket("http://127.0.0.1:9"), &environment);
    let id = site.create("makes");
    assert_eq!(site.end(&id), "failed WORKER_FAILED");
    let job = site.job(&id);
    assert_eq!((&job["activity"], &job["attempt"]), (&"publish".into(), &2.into()));
    let said = job["failure"]["message"].as_str().expect("a text");
    assert!(said.contains("the store of results") && !said.contains("a-secret"), "{said}");
}

#[test]
fn a_bucket_that_is_not_right_is_refused_at_the_start() {
    let data = crate::mesh::Mesh::up().kill();
    let config = data.path().join("platform.toml");
    for (endpoint, key, saying) in [
        ("http://127.0.0.1:9", "a-secret", "artifacts.access_key_id: names no place"),
        ("http://10.0.0.1:9", "env:NONE", "artifacts.endpoint: is without TLS"),
    ] {
        let section = format!(
            "[artifacts]\nbucket = \"results\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\naccess_key_id = \"{key}\"\nsecret_access_key = \"{key}\"\n"
        );
        std::fs::write(&config, section).expect("it can be written");
        let mut platform = std::process::Command::new(crate::mesh::HALLPASS);
        platform.args(["platform", "--config", text(&config), "--data", text(data.path())]);
        platform.args(["--listen", "127.0.0.1:0", "--labeler", "http://127.0.0.1:9"]);
        let refused = crate::tools::run(&mut platform);
        assert!(refused.code != 0 && refused.stderr.contains(saying), "{refused:?}");
        assert!(!refused.stderr.contains("a-secret"), "{refused:?}");
    }
}

fn server() -> Option<String> {
    if let Ok(server) = std::env::var(SERVER) {
        return Some(server);
    }
    let message = format!("{SERVER} is not set: .ci/s3 FOLDER COMMAND runs a command with it");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n*** LEFT OUT, results on S3: {message} ***\n");
    None
}

fn make_bucket(server: &str) {
    let address = server.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).expect("the store answers");
    write!(stream, "PUT /{BUCKET} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 200") || answer.contains("BucketAlready"), "{answer}");
}
