//! Where a page is typed: a folder that looks like a clone after `cargo build --release`, on a network of its own.
//!
//! The pages name fixed ports of loopback. So that they clash with nothing else on the machine, such as a mesh that the developer runs,
//! a test starts itself again in a network namespace. Where the system grants none, the pages take the machine's ports in turn.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::mesh::HALLPASS;
use crate::pages::postgres;

/// The clone in which the tests were built.
pub(crate) const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Set for a test that has a network of its own.
const INSIDE: &str = "HALLPASS_PAGES_INSIDE";

/// One page at a time where they share the machine's ports.
static PORTS: Mutex<()> = Mutex::new(());

/// The arguments of `unshare` for a command with a loopback of its own.
const OWN: [&str; 7] =
    ["--user", "--map-root-user", "--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\""];

/// Runs a test's body on a network of its own; `test` is the test's full name.
pub(crate) fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let own = |program: OsString| {
        let mut command = Command::new("unshare");
        command.args(OWN).arg("sh").arg(program).stdin(Stdio::null());
        command
    };
    let is_granted = own("true".into()).stderr(Stdio::null()).status().is_ok_and(|of| of.success());
    if !is_granted {
        let _turn = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
        if ports_are_free() {
            body();
        }
        return;
    }
    let program = std::env::current_exe().expect("the test knows its program");
    let mut command = own(program.into());
    let way = tempfile::tempdir().expect("a folder");
    command.envs(postgres::lead_out(way.path()).map(|socket| (postgres::SOCKET, socket)));
    let ran = command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output();
    let ran = ran.expect("the test starts itself again");
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    // What was left out is said here as well.
    said.lines().filter(|line| line.contains("LEFT OUT")).for_each(|line| eprintln!("{line}"));
}

/// Whether a page can be run beside what runs already. In CI it must.
fn ports_are_free() -> bool {
    let taken =
        [7401, 7402].into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_err());
    let Some(port) = taken else { return true };
    let message =
        format!("the pages are not run: port {port} is taken, and there is no network namespace");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n*** LEFT OUT: {message} ***\n");
    false
}

/// A folder that looks like a clone with a release build.
pub(crate) struct Clone(TempDir);

impl Clone {
    /// Everything of the repository is there under its name, by link; what a page makes stays in the folder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let link = |of: &Path, name: &str| {
            std::os::unix::fs::symlink(of, folder.path().join(name)).expect("a link");
        };
        for entry in std::fs::read_dir(REPOSITORY).expect("the clone is there") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            let is_made = matches!(name.as_str(), "target" | ".git" | "hallpass-data");
            if !is_made {
                link(&entry.path().canonicalize().expect("it is there"), &name);
            }
        }
        std::fs::create_dir_all(folder.path().join("target/release")).expect("a folder");
        link(Path::new(HALLPASS), "target/release/hallpass");
        link(&tools(), "target/tools");
        Self(folder)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A shell in it, with nothing in its environment but what a new terminal has, and `HALLPASS` for `deploy/first-job`.
    pub(crate) fn shell(&self) -> Command {
        let mut shell = Command::new("bash");
        shell.current_dir(self.path()).env_clear();
        let kept = ["PATH", "LANG", "USER"].into_iter();
        shell.envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))));
        shell.env("HOME", self.path()).env("HALLPASS", HALLPASS);
        shell
    }
}

/// Where the real tools are.
fn tools() -> PathBuf {
    let beside = Path::new(REPOSITORY).join("target/tools");
    let folder = std::env::var_os("TEST_TOOLS").map_or(beside, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.canonicalize().expect("it is there")
}
