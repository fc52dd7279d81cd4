//! A network that can be cut: a relay that swallows what passes, without closing anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The relay. Its tasks end with the runtime.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Relay {
    /// Before a server.
    pub(super) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let cut = Arc::new(AtomicBool::new(false));
        tokio::spawn(accept(listener, server, Arc::clone(&cut)));
        Self { address, cut }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing passes, and nobody is told.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    /// From now on connections pass on which nothing was swallowed, which are new ones.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, cut: Arc<AtomicBool>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(server).await else { continue };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let (client_in, client_out) = client.into_split();
        let (server_in, server_out) = server.into_split();
        tokio::spawn(relay(client_in, server_out, Arc::clone(&cut)));
        tokio::spawn(relay(server_in, client_out, Arc::clone(&cut)));
    }
}

/// A direction in which something was swallowed never works again.
async fn relay(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    cut: Arc<AtomicBool>,
) {
    let mut bytes = vec![0; 16 << 10];
    let mut broken = false;
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        broken |= cut.load(Ordering::SeqCst);
        if !broken && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
