//! What is private stays so, whatever the umask: files and folders, the environment, passwords in URLs.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::rings::Data;
use crate::run::hallpass;

const SECRET: &str = "s3cr3t-8c1f0e";

/// A mesh that was started where everybody may read what is made.
struct Open {
    child: Child,
    server: String,
    data: PathBuf,
    _folder: tempfile::TempDir,
}

impl Open {
    fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let script = "umask 000; exec \"$0\" up --platform 127.0.0.1:0 --labeler 127.0.0.1:0 --output json --data \"$1\"";
        let mut child = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_hallpass")])
            .arg(&data)
            .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
            .env("RUST_LOG", "error")
            .env("A_SECRET", SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: Value = serde_json::from_str(&line).expect("the mesh got ready");
        let server = format!("http://{}", addresses["platform"].as_str().unwrap());
        Self { child, server, data, _folder: folder }
    }

    fn run(&self, arguments: &[&str], token: &str) -> crate::run::Ran {
        let command = hallpass(arguments).env("HALLPASS_SERVER", &self.server);
        command.env("HALLPASS_TOKEN", token).run()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What of a folder others may read or enter, and how much there is.
fn open_to_others(folder: &Path) -> (Vec<String>, usize) {
    let (mut open, mut all, mut left) = (Vec::new(), 0, vec![folder.to_owned()]);
    while let Some(path) = left.pop() {
        let about = fs::symlink_metadata(&path).unwrap();
        if about.mode() & 0o077 != 0 {
            open.push(format!("{:o} {}", about.mode() & 0o7777, path.display()));
        }
        all += 1;
        if about.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    (open, all)
}

#[test]
fn whatever_a_mesh_makes_is_its_users_alone_and_so_is_its_environment() {
    let mesh = Open::up();
    let data = mesh.data.to_str().unwrap();
    let minted = hallpass(&["token", "mint", "--data", data, "--subject", "alice"]).run();
    let token = minted.token();
    let listed = mesh.run(&["dataset", "list", "--output", "json"], token).json();
    let dataset = listed[0]["dataset_id"].as_str().unwrap().to_owned();
    // An open upload, a snapshot, a session, a revocation, and a job with what it made.
    let job = ["job", "create", "--dataset", &dataset, "--name", "one", "--watch"];
    for arguments in [
        &job[..],
        &["dataset", "snapshot", "create", &dataset, "--name", "first"],
        &["session", "open"],
        &["token", "revoke"],
    ] {
        let ran = mesh.run(arguments, token);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    }
    let (open, all) = open_to_others(&mesh.data);
    assert!(open.is_empty(), "others can read: {open:#?}");
    assert!(all > 30, "only {all} files and folders are there");
    assert!(mesh.data.join("platform/artifacts").is_dir());
    let environment = environment_of(mesh.child.id());
    assert!(!environment.contains(SECRET), "another process of the user reads it");
}

/// What another process of this user reads of a process's environment. One of root's has capabilities that ordinary ones lack.
fn environment_of(process: u32) -> String {
    let file = format!("/proc/{process}/environ");
    let without = ["--bounding-set", "-all", "--inh-caps", "-all", "cat", &file];
    let ran = match Command::new("setpriv").args(without).output() {
        Ok(ran) => ran,
        Err(error) => {
            eprintln!("skipped: setpriv is absent: {error}");
            return String::new();
        }
    };
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

#[test]
fn a_private_ring_that_others_can_read_is_refused_and_a_public_one_is_not() {
    let data = Data::new();
    let ring = data.ring("users");
    let show = |mode: u32| fs::set_permissions(&ring, Permissions::from_mode(mode)).unwrap();
    assert_eq!(data.mint(&["--subject", "alice"]).code, 0);
    for mode in [0o644, 0o640, 0o604] {
        show(mode);
        let told = format!(
            "holds private keys, and others can read it (mode {mode:04o}); right: chmod 600 {}",
            ring.display()
        );
        data.mint(&["--subject", "alice"]).fails(1, &told);
    }
    show(0o600);
    let public = data.ring("labeler");
    fs::set_permissions(&public, Permissions::from_mode(0o644)).unwrap();
    let minted = data.mint(&["--subject", "alice"]);
    let verify = ["token", "verify", "--ring", public.to_str().unwrap(), minted.token()];
    let told = hallpass(&verify).run();
    assert!(!told.stderr.contains("others can read"), "{told:?}");
}

/// Wherever a URL with a password can be given, and whatever is wrong with it, the password is in no error and no log line.
#[test]
fn no_password_of_a_url_is_in_any_error_or_log_line() {
    let data = Data::new();
    let folder = data.folder();
    let login = |scheme: &str, host: &str| format!("{scheme}://alice:{SECRET}@{host}");
    let of_platform = [
        ("HALLPASS_NATS__SERVERS", format!("[\"{}\"]", login("nats", "127.0.0.1:1"))),
        ("HALLPASS_NATS__SERVERS", login("nats", "127.0.0.1:1")),
        ("HALLPASS_PEERS__LABELER__ADDRESS", login("http", "127.0.0.1:1")),
        ("HALLPASS_PEERS__LABELER__ADDRESS", login("http", "127.0.0.1:1/x y")),
        ("HALLPASS_DATABASE", login("postgres", "127.0.0.1:1/x")),
        ("HALLPASS_DATABASE", format!("postgres://alice@127.0.0.1:1/x?password={SECRET}")),
        ("HALLPASS_TEMPORAL__ADDRESS", login("http", "127.0.0.1:1")),
        ("HALLPASS_ARTIFACTS__ENDPOINT", login("http", "127.0.0.1:1")),
        ("HALLPASS_LABELER__FILES__ENDPOINT", login("https", "s3.example.org")),
        (
            "HALLPASS_OIDC",
            format!("[{{issuer=\"{}\",audience=\"x\"}}]", login("https", "idp.test")),
        ),
        ("HALLPASS_OIDC", login("https", "idp.test")),
        ("HALLPASS_LISTEN", login("http", "127.0.0.1:1")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", login("http", "127.0.0.1:1")),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", login("http", "collector")),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", login("nonsense", "x y")),
    ];
    for (name, value) in of_platform {
        // Each is refused, so none of them goes on to serve. Buckets need more than an endpoint; what is missing may be said instead.
        let command =
            hallpass(&["platform", "--data", folder]).env("HALLPASS_LISTEN", "127.0.0.1:0");
        let command = command.env("HALLPASS_PEERS__LABELER__ADDRESS", "http://127.0.0.1:1");
        let ran = command.env("RUST_LOG", "debug").env(name, &value).run();
        assert_eq!(ran.code, 1, "{name}={value}: {ran:?}");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!told.contains(SECRET), "{name}={value}: {told}");
        assert!(!told.is_empty(), "{name}={value}");
    }
    let server = login("http", "127.0.0.1:1");
    for server in
        [server, login("ftp", "127.0.0.1:1"), login("http", "host/ x"), login("http", "10.0.0.1:1")]
    {
        let by_flag = hallpass(&["dataset", "list", "--server", &server]);
        let by_variable = hallpass(&["dataset", "list"]).env("HALLPASS_SERVER", &server);
        for command in [by_flag, by_variable] {
            let ran = command.env("HALLPASS_TOKEN", "x").run();
            assert_ne!(ran.code, 0, "{server}: {ran:?}");
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(SECRET), "{server}: {ran:?}");
        }
    }
}

#[test]
fn telemetry_beyond_loopback_needs_tls_or_the_switch_that_peers_need() {
    let data = Data::new();
    let start = |more: &[&str]| {
        let platform = ["platform", "--data", data.folder(), "--listen", "127.0.0.1:0"];
        let labeler = ["--labeler=http://127.0.0.1:1"];
        let command = hallpass(&[&platform[..], &labeler, more].concat());
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4317")
    };
    start(&[]).run().fails(1, "OTEL_EXPORTER_OTLP_ENDPOINT: is beyond loopback and not https");
    // With the switch it gets further: to the next thing that is wrong.
    let ran = start(&["--insecure-plaintext", "--tls-cert", "/none", "--tls-key", "/none"]).run();
    assert!(ran.code == 1 && !ran.stderr.contains("OTEL_"), "{ran:?}");
}
