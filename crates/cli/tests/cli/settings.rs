//! Where settings come from: what is mistyped is refused by every command that serves, what others set is left alone.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::hallpass;

const SERVE: [&str; 3] = ["up", "platform", "labeler"];

/// What Kubernetes sets beside services named `hallpass` and `hallpass-platform`.
const OF_KUBERNETES: [(&str, &str); 6] = [
    ("HALLPASS_PORT", "tcp://10.96.0.12:7401"),
    ("HALLPASS_SERVICE_HOST", "10.96.0.12"),
    ("HALLPASS_SERVICE_PORT", "7401"),
    ("HALLPASS_PORT_7401_TCP_ADDR", "10.96.0.12"),
    ("HALLPASS_PORT_7401_TCP", "tcp://10.96.0.12:7401"),
    ("HALLPASS_PLATFORM_PORT", "tcp://10.96.0.13:7401"),
];

#[test]
fn what_is_mistyped_is_refused_by_every_command_that_serves() {
    let wrong = [
        ("HALLPASS_LISTN", "127.0.0.1:0", "listn (from HALLPASS_LISTN): there is no such key"),
        ("HALLPASS_LIMITS__CALLS", "many", "limits.calls (from HALLPASS_LIMITS__CALLS)"),
        ("HALLPASS_PORT", "7401", "port (from HALLPASS_PORT): there is no such key"),
    ];
    for command in SERVE {
        for (name, value, problem) in wrong {
            hallpass(&[command]).env(name, value).run().fails(1, problem);
        }
    }
}

#[test]
fn what_is_a_setting_of_one_service_is_refused_where_two_are_run() {
    for (name, right) in [
        ("HALLPASS_LISTEN", "--platform ADDR and --labeler ADDR"),
        ("HALLPASS_PEERS__LABELER__ADDRESS", "the two find each other"),
        ("HALLPASS_TLS__CERT", "`hallpass platform` and `hallpass labeler`"),
    ] {
        let ran = hallpass(&["up"]).env(name, "127.0.0.1:0").run();
        ran.fails(1, &format!("{name}: `hallpass up` runs two services"));
        ran.fails(1, right);
    }
}

#[cfg(not(feature = "temporal"))]
#[test]
fn jobs_that_nothing_would_run_are_reported() {
    let temporal = ("HALLPASS_JOBS__ENGINE", "temporal");
    let up = hallpass(&["up"]).env(temporal.0, temporal.1).run();
    up.fails(1, "jobs.engine: this hallpass is built without Temporal");
}

/// It gets ready in the folder that every other command looks for then.
#[test]
fn an_empty_data_folder_is_the_usual_one_and_what_kubernetes_sets_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(["up", "--platform", "127.0.0.1:0", "--labeler", "127.0.0.1:0"]);
    command.args(["--output", "json"]).current_dir(folder.path());
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env("HALLPASS_DATA", "");
    command.envs(OF_KUBERNETES).env("RUST_LOG", "error").stdout(Stdio::piped());
    let mut up = Up(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(up.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).expect("the mesh got ready");
    assert!(folder.path().join("hallpass-data/keys/users.json").exists());
    let server = format!("http://{}", addresses["platform"].as_str().unwrap());
    let mut list = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    list.args(["token", "mint", "--subject", "alice"]).current_dir(folder.path());
    list.env("HALLPASS_DATA", "").env_remove("JWT_SECRET_KEY");
    let token = String::from_utf8(list.output().unwrap().stdout).unwrap();
    let listed = hallpass(&["dataset", "list"]).env("HALLPASS_TOKEN", token.trim());
    let listed = listed.env("HALLPASS_SERVER", &server).run();
    assert_eq!(listed.code, 0, "{listed:?}");
}

#[test]
fn an_empty_address_is_the_usual_one_and_an_empty_token_is_none() {
    let list = || hallpass(&["dataset", "list"]).env("HALLPASS_SERVER", "");
    list().env("HALLPASS_TOKEN", "").run().fails(1, "no token; right: one in HALLPASS_TOKEN");
    let nonsense = hallpass(&["dataset", "list"]).env("HALLPASS_TOKEN", "t");
    let nonsense = nonsense.env("HALLPASS_SERVER", "http://[").run();
    nonsense.fails(1, "HALLPASS_SERVER http://[: not an address; right: such as http://");
}

#[test]
fn mistyped_variables_of_telemetry_are_refused_by_name() {
    let collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    for (name, value) in [
        ("OTEL_TRACES_SAMPLER", "traceidratoi"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzpi"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
    ] {
        let ran = hallpass(&["labeler"]).env(collector.0, collector.1).env(name, value).run();
        ran.fails(1, &format!("{name}={value:?} is not understood: expected "));
    }
}

/// A certificate that an authority has signed which this system knows, by the variable that names such authorities.
#[test]
fn without_an_authority_of_its_own_a_command_trusts_those_of_the_system() {
    let tls = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/tests/tls");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("server.key");
    std::fs::copy(format!("{tls}/server.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let data = folder.path().join("data");
    let keys = ["keys", "generate", "platform-1", "--owner", "platform", "--type", "service"];
    std::fs::create_dir_all(data.join("keys")).unwrap();
    let ring = data.join("keys/platform.json");
    let more = ["--audience", "labeler", "--ring", ring.to_str().unwrap()];
    assert_eq!(hallpass(&[&keys[..], &more].concat()).run().code, 0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.args(["platform", "--listen", "127.0.0.1:0", "--output", "json", "--data"]).arg(&data);
    command.args(["--tls-cert", &format!("{tls}/server.pem"), "--tls-key"]).arg(&key);
    command.env("RUST_LOG", "error").stdout(Stdio::piped());
    let mut up = Up(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(up.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addresses: Value = serde_json::from_str(&line).expect("Platform got ready");
    let port = addresses["platform"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    let list = |scheme: &str| {
        let list =
            hallpass(&["dataset", "list", "--server", &format!("{scheme}://localhost:{port}")]);
        list.env("HALLPASS_TOKEN", "t")
    };
    // The name as the certificate has it; a token that is none is refused by whom it reaches.
    let known = list("https").env("SSL_CERT_FILE", &format!("{tls}/ca.pem")).run();
    known.fails(1, "reason TOKEN_INVALID");
    list("https").run().fails(1, "check: --ca FILE with the authority");
    list("http").run().fails(1, "https://");
}

/// Ended when dropped.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let by = Instant::now() + Duration::from_secs(10);
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) && Instant::now() < by {
            std::thread::yield_now();
        }
    }
}
