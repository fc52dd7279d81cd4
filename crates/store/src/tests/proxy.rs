//! A way to a server that can be cut and mended.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    server: String,
    /// Dropped, it ends every connection and stops listening.
    running: JoinSet<()>,
}

impl Proxy {
    /// A way to this `host:port`.
    pub(super) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut proxy = Self { address, server: server.to_owned(), running: JoinSet::new() };
        proxy.serve(listener);
        proxy
    }

    pub(super) async fn cut(&mut self) {
        self.running.shutdown().await;
    }

    pub(super) async fn mend(&mut self) {
        self.serve(TcpListener::bind(self.address).await.unwrap());
    }

    fn serve(&mut self, listener: TcpListener) {
        let server = self.server.clone();
        self.running.spawn(async move {
            let mut ways = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let server = server.clone();
                ways.spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    // Whoever ends it, it is over.
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
    }
}
