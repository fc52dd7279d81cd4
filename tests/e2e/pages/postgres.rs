//! A PostgreSQL server at the port that the pages name.
//!
//! The server of the tests is on the machine's network, and a page may be on one of its own: a socket file leads from one to the other.

use std::io;
use std::path::{Path, PathBuf};

use hallpass_store::testing;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Names the socket file for a test on a network of its own.
pub(crate) const SOCKET: &str = "HALLPASS_PAGES_POSTGRES";

/// What a page says, which stands for the reader's own.
pub(crate) const SHOWN: &str = "postgres://hallpass:PASSWORD@127.0.0.1:5432/hallpass";

/// Leads from a socket file in this folder to the server, if there is one.
pub(crate) fn lead_out(folder: &Path) -> Option<PathBuf> {
    let address = address(&std::env::var(testing::SERVER).ok()?).to_owned();
    let socket = folder.join("postgres");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket file");
    listener.set_nonblocking(true).expect("it can wait");
    in_background(async move {
        let listener = UnixListener::from_std(listener)?;
        loop {
            let from = listener.accept().await?.0;
            tokio::spawn(join(from, TcpStream::connect(address.clone())));
        }
    });
    Some(socket)
}

/// The URL of a schema of its own behind the port that the pages name, or `None` after saying that there is no server.
pub(crate) fn url(folder: &Path) -> Option<String> {
    const PORT: &str = "127.0.0.1:5432";
    let server = testing::server()?;
    let address = address(&server).to_owned();
    let url = server.replacen(&address, PORT, 1);
    let listener = std::net::TcpListener::bind(PORT).expect("PostgreSQL's port is free");
    listener.set_nonblocking(true).expect("it can wait");
    in_background(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let from = listener.accept().await?.0;
            match std::env::var_os(SOCKET) {
                Some(socket) => tokio::spawn(join(from, UnixStream::connect(socket))),
                None => tokio::spawn(join(from, TcpStream::connect(address.clone()))),
            };
        }
    });
    Some(runtime().block_on(testing::schema_url(&url, folder)))
}

/// `HOST:PORT` of a server's URL.
fn address(url: &str) -> &str {
    let after = url.rsplit_once('@').map_or(url, |(_, after)| after);
    after.split('/').next().unwrap_or_default()
}

/// Hands on what either side says until both have ended.
async fn join<T: AsyncRead + AsyncWrite + Unpin>(
    mut from: impl AsyncRead + AsyncWrite + Unpin,
    to: impl Future<Output = io::Result<T>>,
) -> io::Result<()> {
    copy_bidirectional(&mut from, &mut to.await?).await.map(drop)
}

fn in_background(work: impl Future<Output = io::Result<()>> + Send + 'static) {
    std::thread::spawn(move || runtime().block_on(work));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
