//! A NATS server on a free port, as docs/nats.md wants it: every write is on the disk before it is acknowledged.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

/// The server. It ends with this value.
#[derive(Debug)]
pub struct NatsServer {
    address: SocketAddr,
    child: Child,
}

impl NatsServer {
    /// Starts one with its state in a folder; `None` after saying that there is none to start.
    pub(super) async fn start(folder: &Path) -> Option<Self> {
        let program = program()?;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        std::fs::create_dir_all(folder).expect("a folder");
        let data = folder.join("server").display().to_string();
        let text = format!(
            "listen: \"{address}\"\njetstream {{ store_dir: {data:?}, sync_interval: always }}\n"
        );
        let configuration = folder.join("server.conf");
        std::fs::write(&configuration, text).expect("a folder that can be written");
        let child = Command::new(program)
            .arg("--config")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = Self { address, child: child.expect("the server starts") };
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Some(server)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::print_stderr, reason = "half of the figures must not go missing in silence")]
fn program() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let folder = std::env::var_os("TEST_TOOLS").map_or(beside, PathBuf::from);
    let program = folder.join("nats-server");
    if program.is_file() {
        return Some(program);
    }
    eprintln!(
        "\n*** LEFT OUT: nats-server is not in {}: run deploy/tools/build ***\n",
        folder.display()
    );
    None
}
