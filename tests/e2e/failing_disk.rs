//! The disk of a running Platform fails: nothing is acknowledged that is not durable, health says so, what was acknowledged before holds, and
//! once the disk is well Platform serves again, without a restart. A disk that is nearly full takes nothing new of users.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hallpass_formats::testing;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::datasets::{folder, text};
use crate::mesh::{HALLPASS, Mesh, Node, connect};
use crate::standing::{PLATFORM_LIST, free_address, keys, until};
use crate::tools::{Ran, run};
use crate::tour::mint;

/// How long health may take to say so.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// Lets every sync of a process fail for as long as it is there; `None` where there is no strace, or it may not.
struct Fault(Child);

impl Fault {
    fn of(process: u32) -> Option<Self> {
        let started = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-p", &process.to_string()])
            .args(["-e", "inject=fsync,fdatasync,sync_file_range:error=EIO"])
            .stderr(Stdio::piped())
            .spawn();
        let Ok(strace) = started else { return left_out("strace is not installed") };
        let mut fault = Self(strace);
        let mut said = String::new();
        let mut told = BufReader::new(fault.0.stderr.take().expect("it is piped"));
        told.read_line(&mut said).expect("text");
        if !said.contains("attached") {
            return left_out(&format!("strace may not attach: {said}"));
        }
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Some(fault)
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // Told, it lets go of the process; killed, it would leave it stopped.
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn left_out(why: &str) -> Option<Fault> {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    eprintln!("\n*** LEFT OUT: {why}: no disk was made to fail ***\n");
    None
}

fn revoke(mesh: &Mesh, token: &str) -> Ran {
    let server = format!("http://{}", mesh.platform());
    let mut command = Command::new(HALLPASS);
    run(command.args(["token", "revoke", "--server", &server]).env("HALLPASS_TOKEN", token))
}

async fn serves(channel: &Channel) -> bool {
    let answer = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await;
    answer.expect("health answers").into_inner().status == i32::from(ServingStatus::Serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_durable_is_not_acknowledged_and_health_says_so() {
    let mesh = Mesh::up();
    let platform = connect(&mesh.platform()).await;
    let [before, amid, after] = ["alice", "alice", "alice"].map(|user| mint(&mesh, user));
    assert_eq!(revoke(&mesh, &before).code, 0);
    assert!(serves(&platform).await);
    let Some(fault) = Fault::of(mesh.node.id()) else { return };
    let refused = revoke(&mesh, &amid);
    assert!(refused.code != 0 && refused.stderr.contains("NOT_DURABLE"), "{refused:?}");
    // Health is asked for in its own time, and told to those who ask.
    let told = async {
        while serves(&platform).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TOLD_WITHIN, told).await.expect("health says so");
    drop(fault);
    // The disk is well: the list opens its store again.
    let well = async {
        while !serves(&platform).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TOLD_WITHIN, well).await.expect("it serves again");
    let token = mint(&mesh, "alice");
    assert_eq!(revoke(&mesh, &token).code, 0);
    until(&platform, PLATFORM_LIST, &before, &["Unauthenticated TOKEN_REVOKED"]).await;

    let mesh = Mesh::over(mesh.kill(), &[]);
    let platform = connect(&mesh.platform()).await;
    assert!(serves(&platform).await);
    until(&platform, PLATFORM_LIST, &before, &["Unauthenticated TOKEN_REVOKED"]).await;
    until(&platform, PLATFORM_LIST, &token, &["Unauthenticated TOKEN_REVOKED"]).await;
    until(&platform, PLATFORM_LIST, &after, &["OK"]).await;
    assert_eq!(revoke(&mesh, &after).code, 0);
    until(&platform, PLATFORM_LIST, &after, &["Unauthenticated TOKEN_REVOKED"]).await;
}

/// A mesh of two processes that keep more free than any disk has.
fn nearly_full(data: &str) -> (Node, Node) {
    let keep = [("HALLPASS_LIMITS__KEEP_FREE_BYTES", "1152921504606846976")];
    let (at_platform, at_labeler) = (free_address(), free_address());
    let (to_platform, to_labeler) =
        (format!("http://{at_platform}"), format!("http://{at_labeler}"));
    let start = |service, listen: &str, peer, at: &str| {
        Node::start(&[service, "--data", data, "--listen", listen, peer, at], &keep)
    };
    let labeler = start("labeler", &at_labeler, "--platform", &to_platform);
    (start("platform", &at_platform, "--labeler", &to_labeler), labeler)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_nearly_full_disk_revoking_goes_on_and_users_bring_nothing_new() {
    let data = keys();
    let (node, _labeler) = nearly_full(text(data.path()));
    let platform = connect(&node.address("platform")).await;
    let server = format!("http://{}", node.address("platform"));
    let mut mint = Command::new(HALLPASS);
    mint.args(["token", "mint", "--subject", "alice", "--data", text(data.path())]);
    let minted = run(&mut mint).stdout;
    let (token, there) = (minted.trim_end(), folder(testing::image_folder(3)));
    until(&platform, PLATFORM_LIST, token, &["OK"]).await;
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(HALLPASS);
        run(command.args(arguments).args(["--server", &server]).env("HALLPASS_TOKEN", token))
    };
    let refused = ask(&["dataset", "import", text(there.path())]);
    assert!(refused.code != 0 && refused.stderr.contains("DISK_FULL"), "{refused:?}");
    assert!(refused.stderr.contains("nearly full: try again later"), "{refused:?}");
    let revoked = ask(&["token", "revoke"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    until(&platform, PLATFORM_LIST, token, &["Unauthenticated TOKEN_REVOKED"]).await;
    assert!(serves(&platform).await);
}
