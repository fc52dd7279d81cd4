//! Starts the real binary and returns once it is ready.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hallpass_token::KeyRing;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// The binary under test.
pub(crate) const HALLPASS: &str = env!("CARGO_BIN_EXE_hallpass");

/// A running process of the mesh, ended when dropped.
pub(crate) struct Node {
    child: Child,
    /// The addresses that it printed: `platform` and `labeler`, as far as it serves them.
    pub(crate) addresses: serde_json::Value,
}

impl Node {
    /// Starts `hallpass ARGUMENTS --output json` and waits for the line that says it is ready.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = command(arguments);
        command.envs(environment.iter().copied());
        let mut child = command.spawn().expect("the binary starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        stdout.read_line(&mut line).expect("stdout is text");
        let addresses = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("`hallpass {}` did not get ready: {line:?}", arguments.join(" "))
        });
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Self { child, addresses }
    }

    /// Starts it and kills it a while later, ready or not.
    pub(crate) fn kill_while_starting(arguments: &[&str], after: Duration) {
        let mut child = command(arguments).spawn().expect("the binary starts");
        std::thread::sleep(after);
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// The address of a service, as `host:port`.
    pub(crate) fn address(&self, service: &str) -> String {
        self.addresses[service].as_str().expect("the node serves it").to_owned()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as power loss would, without a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end as an operator would, and returns its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(HALLPASS);
    command.args(arguments).args(["--output", "json"]).stdout(Stdio::piped());
    for variable in
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "TEST_TOOLS", "TEST_PYTHON", "TEST_NODE_MODULES"]
    {
        command.env_remove(variable);
    }
    command.env("RUST_LOG", "warn");
    command
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Platform and Labeler in one process, with a data folder of their own.
pub(crate) struct Mesh {
    /// The process.
    pub(crate) node: Node,
    data: TempDir,
}

impl Mesh {
    /// A mesh as `hallpass up` makes it.
    pub(crate) fn up() -> Self {
        Self::with_environment(&[])
    }

    /// A mesh with these environment variables.
    pub(crate) fn with_environment(environment: &[(&str, &str)]) -> Self {
        Self::over(tempfile::tempdir().expect("a folder"), environment)
    }

    /// A mesh over a data folder that an earlier one left.
    pub(crate) fn over(data: TempDir, environment: &[(&str, &str)]) -> Self {
        let node = Node::start(&up_arguments(data.path()), environment);
        Self { node, data }
    }

    /// Ends the mesh as power loss would and leaves its data.
    pub(crate) fn kill(self) -> TempDir {
        self.node.kill();
        self.data
    }

    /// Asks the mesh to end, and returns its exit code.
    pub(crate) fn terminate(self) -> Option<i32> {
        self.node.terminate()
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Platform's address.
    pub(crate) fn platform(&self) -> String {
        self.node.address("platform")
    }

    /// Labeler's address.
    pub(crate) fn labeler(&self) -> String {
        self.node.address("labeler")
    }

    /// A ring of the mesh: "users", "platform" or "labeler".
    pub(crate) fn ring(&self, name: &str) -> KeyRing {
        read_ring(&ring_file(self.data(), name))
    }
}

/// Where a data folder keeps a ring.
pub(crate) fn ring_file(data: &Path, name: &str) -> PathBuf {
    data.join("keys").join(format!("{name}.json"))
}

/// Reads a ring that holds no secrets by reference.
pub(crate) fn read_ring(file: &Path) -> KeyRing {
    let json = std::fs::read_to_string(file).expect("the ring is there");
    KeyRing::parse(&json, &|_| Err("no secrets here".to_owned())).expect("the ring is right")
}

/// A channel to an address on loopback.
pub(crate) async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("the node listens")
}

/// A channel to an address on loopback, from another address of it.
pub(crate) async fn connect_from(address: &str, from: Ipv4Addr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let endpoint = endpoint.local_address(Some(from.into()));
    endpoint.connect().await.expect("the node listens")
}

fn up_arguments(data: &Path) -> [&str; 7] {
    let data = data.to_str().expect("a path of text");
    ["up", "--data", data, "--platform", "127.0.0.1:0", "--labeler", "127.0.0.1:0"]
}
