//! The same tests over a store that speaks S3: the suite of uploads runs itself again.
//!
//! Without such a store a plain run says so on the terminal, and CI fails.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::files::Files;
use crate::{FileStore, S3};

/// Names the store: `http://127.0.0.1:PORT`. Whoever asks may make buckets there.
const SERVER: &str = "TEST_S3";

/// Set in the second run.
const SECOND_RUN: &str = "TEST_ON_S3";

const BUCKET: &str = "hallpass-tests";

#[test]
fn the_uploads_on_s3() {
    if is_second_run() {
        return;
    }
    let Ok(server) = std::env::var(SERVER) else {
        let message = format!("{SERVER} is not set: .ci/s3 FOLDER COMMAND runs a command with it");
        assert!(std::env::var_os("CI").is_none(), "{message}");
        // Past the test harness, which hides what a passing test prints.
        let _ = writeln!(std::io::stderr(), "\n*** LEFT OUT, tests on S3: {message} ***\n");
        return;
    };
    make_bucket(&server);
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["tests::uploads", "tests::idempotency", "--skip", "uploads_faults"])
        // The server's listing fails now and then while another thread changes the bucket.
        .args(["--skip", "a_disk_that_fails", "--test-threads", "1"])
        .env(SECOND_RUN, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "on S3:\n{said}\n{}", String::from_utf8_lossy(&again.stderr));
    assert!(!said.contains(" 0 passed"), "{said}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_within_the_patience() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let files = Files::s3(&at(&format!("http://{nobody}"), "none"), roomy()).unwrap();
    let error = tokio::time::timeout(std::time::Duration::from_mins(1), files.ping()).await;
    let error = error.unwrap().unwrap_err();
    assert!(matches!(error, crate::error::Error::Files { .. }), "{error}");
    assert!(!error.to_string().contains("a-secret"), "{error}");
}

/// Where the files of a test's data folder are.
pub(super) fn store(folder: &Path) -> FileStore {
    match std::env::var(SERVER) {
        Ok(server) if is_second_run() => {
            FileStore::S3(at(&server, &folder.file_name().unwrap().to_string_lossy()))
        }
        _ => FileStore::Folder,
    }
}

/// How many objects there are for a test's data folder.
pub(super) fn count(folder: &Path) -> Option<usize> {
    let FileStore::S3(bucket) = store(folder) else { return None };
    let counted = async move {
        let files = Files::s3(&bucket, roomy()).unwrap();
        let mut count = 0;
        for id in files.ids().await.unwrap() {
            count += files.numbers(&id).await.unwrap().len();
        }
        count
    };
    // Of its own, as the caller is inside a runtime.
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::scope(|scope| scope.spawn(move || runtime().block_on(counted)).join()).ok()
}

fn is_second_run() -> bool {
    std::env::var_os(SECOND_RUN).is_some()
}

fn at(server: &str, prefix: &str) -> S3 {
    S3 {
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(server.to_owned()),
        prefix: prefix.to_owned(),
        access_key_id: "tests".to_owned(),
        secret_access_key: "a-secret".to_owned(),
        allow_http: true,
    }
}

fn make_bucket(server: &str) {
    let address = server.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "PUT /{BUCKET} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") || answer.contains("BucketAlready"), "{answer}");
}

/// A disk that keeps nothing free.
fn roomy() -> hallpass_store::Space {
    hallpass_store::Space::of(Path::new("/"), Some(0))
}
