//! A NATS server of a test's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hallpass_nats::{Login, Mesh, Settings};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server, its port and its folder. It ends with this value.
pub(crate) struct Server {
    program: PathBuf,
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Server {
    /// Starts one that lets everybody do everything; `None` after saying that the test is left out.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with("").await
    }

    /// Starts one with further lines in its configuration.
    pub(crate) async fn start_with(lines: &str) -> Option<Self> {
        Self::start_as(|data| {
            format!("jetstream {{ store_dir: {data:?}, sync_interval: always }}\n{lines}")
        })
        .await
    }

    /// Starts one as it is by default: without `JetStream`.
    pub(crate) async fn start_without_streams() -> Option<Self> {
        Self::start_as(|_| String::new()).await
    }

    async fn start_as(lines: impl FnOnce(&str) -> String) -> Option<Self> {
        let program = program()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let text = format!("listen: \"127.0.0.1:{port}\"\n{}\n", lines(&data));
        std::fs::write(folder.path().join("server.conf"), text).unwrap();
        let mut server = Self { program, port, folder, child: None };
        server.run().await;
        Some(server)
    }

    /// Starts the process again, on the same port and folder.
    pub(crate) async fn run(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("server.log")).unwrap();
        let child = Command::new(&self.program)
            .arg("--config")
            .arg(self.folder.path().join("server.conf"))
            .env("HALLPASS_ISSUER_PASSWORD", "issuer-password-of-a-test")
            .env("HALLPASS_NODE_PASSWORD", "node-password-of-a-test")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let address = ("127.0.0.1", self.port);
        until("the server listens", async || TcpStream::connect(address).await.is_ok()).await;
    }

    /// Ends the process at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// A connection for one process of the mesh.
    pub(crate) async fn mesh(&self) -> Mesh {
        mesh_at(self.port, None).await
    }

    /// The server's own view, for what no process of the mesh does.
    pub(crate) async fn operator(&self) -> async_nats::jetstream::Context {
        let client = async_nats::connect(format!("nats://127.0.0.1:{}", self.port)).await.unwrap();
        async_nats::jetstream::new(client)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection to a port, as a user.
pub(crate) async fn mesh_at(port: u16, login: Option<Login>) -> Mesh {
    Mesh::connect(&settings(port, login)).await.unwrap()
}

pub(crate) fn settings(port: u16, login: Option<Login>) -> Settings {
    Settings {
        servers: vec![format!("nats://127.0.0.1:{port}")],
        login,
        ca: None,
        certificate: None,
        prefix: "hallpass".to_owned(),
        replicas: 1,
    }
}

/// Waits for a condition, and says which one did not come true.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asked = Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(5));
    while !is_so().await {
        assert!(asked.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        every.tick().await;
    }
}

fn program() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let folder = std::env::var_os("TEST_TOOLS").map_or(beside, PathBuf::from);
    let program = folder.join("nats-server");
    if program.is_file() {
        return Some(program);
    }
    let message = format!("nats-server is not in {}: run deploy/tools/build", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{message}");
    eprintln!("\n*** LEFT OUT: {message} ***\n");
    None
}
