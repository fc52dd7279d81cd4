//! The mesh on a NATS server: revocations through the stream, claims in the bucket, and what happens when the server is gone.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::mesh::{HALLPASS, Node, connect};
use crate::standing::{LABELER_LIST, PLATFORM_LIST, keys, service_token, until, user_token};
use crate::tools::{self, Ran, run};

/// A server of the test's own, ended when dropped.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(program: &Path, port: u16, data: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream"]);
        command.arg("--store_dir").arg(data).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the server starts"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it is bound").port()
}

fn start(role: &str, data: &TempDir, peer: &str, servers: &str) -> Node {
    let data = data.path().to_str().expect("text");
    let (flag, peer) =
        (if role == "platform" { "--labeler" } else { "--platform" }, format!("http://{peer}"));
    let arguments = [role, "--data", data, "--listen", "127.0.0.1:0", flag, &peer];
    Node::start(&arguments, &[("HALLPASS_NATS__SERVERS", servers)])
}

fn revoke(platform: &Node, token: &str) -> Ran {
    let server = format!("http://{}", platform.address("platform"));
    let mut command = Command::new(HALLPASS);
    run(command.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", token))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_nats_what_is_revoked_is_refused_everywhere_and_without_it_nothing_is_let_through() {
    let Some(program) = tools::find("nats-server") else { return };
    let (port, folder, data) = (free_port(), tempfile::tempdir().expect("a folder"), keys());
    let servers = format!("[\"nats://127.0.0.1:{port}\"]");
    let server = Server::start(&program, port, folder.path());
    let labeler = start("labeler", &data, "127.0.0.1:1", &servers);
    let platform = start("platform", &data, &labeler.address("labeler"), &servers);
    let (at_platform, at_labeler) =
        (connect(&platform.address("platform")).await, connect(&labeler.address("labeler")).await);
    let (token, other, service) = (user_token(&data), user_token(&data), service_token(&data));
    // Labeler never spoke to Platform: what it knows comes from the stream.
    until(&at_labeler, LABELER_LIST, &service, &["OK"]).await;
    until(&at_platform, PLATFORM_LIST, &token, &["OK"]).await;
    let revoked = revoke(&platform, &token);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    until(&at_platform, PLATFORM_LIST, &token, &["Unauthenticated TOKEN_REVOKED"]).await;

    drop(server);
    until(&at_platform, PLATFORM_LIST, &other, &["Unavailable LIST_STALE"]).await;
    until(&at_labeler, LABELER_LIST, &service, &["Unavailable LIST_STALE"]).await;
    let refused = revoke(&platform, &other);
    assert!(refused.code != 0 && refused.stderr.contains("cannot be told"), "{refused:?}");

    let _server = Server::start(&program, port, folder.path());
    until(&at_labeler, LABELER_LIST, &service, &["OK"]).await;
    until(&at_platform, PLATFORM_LIST, &other, &["Unauthenticated TOKEN_REVOKED"]).await;
}

/// The session commands of a user at one of the Platforms.
fn session(platform: &Node, credential: &str, arguments: &[&str]) -> Ran {
    let server = format!("http://{}", platform.address("platform"));
    let mut command = Command::new(HALLPASS);
    command.arg("session").args(arguments).args(["--server", &server]);
    run(command.env("HALLPASS_TOKEN", credential))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_good_at_every_platform_and_closed_at_every_one() {
    let Some(program) = tools::find("nats-server") else { return };
    let (port, folder) = (free_port(), tempfile::tempdir().expect("a folder"));
    let servers = format!("[\"nats://127.0.0.1:{port}\"]");
    let server = Server::start(&program, port, folder.path());
    let (data, other) = (keys(), tempfile::tempdir().expect("a folder"));
    copy(&data.path().join("keys"), &other.path().join("keys"));
    let labeler = start("labeler", &data, "127.0.0.1:1", &servers);
    let at = labeler.address("labeler");
    let first = start("platform", &data, &at, &servers);
    let second = start("platform", &other, &at, &servers);
    let (at_first, at_second) =
        (connect(&first.address("platform")).await, connect(&second.address("platform")).await);
    let token = user_token(&data);
    until(&at_first, PLATFORM_LIST, &token, &["OK"]).await;
    until(&at_second, PLATFORM_LIST, &token, &["OK"]).await;
    let opened = session(&first, &token, &["open"]);
    assert_eq!(opened.code, 0, "{opened:?}");
    let handle = opened.stdout.trim_end();
    until(&at_second, PLATFORM_LIST, handle, &["OK"]).await;
    let closed = session(&second, handle, &["close", "--all"]);
    assert_eq!(closed.code, 0, "{closed:?}");
    until(&at_first, PLATFORM_LIST, handle, &["Unauthenticated TOKEN_REVOKED"]).await;

    drop(server);
    let refused = session(&first, &token, &["open"]);
    let told = ["NOT_CARRIED", "LIST_STALE"].iter().any(|why| refused.stderr.contains(why));
    assert!(refused.code != 0 && told, "{refused:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for file in std::fs::read_dir(from).expect("keys").flatten() {
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}
