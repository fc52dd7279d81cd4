//! Accepts connections, and waits a little where the system cannot give one just now.
//!
//! Invariant: no shortage ends the loop, and none makes it spin.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::unfold;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::connection::Connection;
use crate::connections::Connections;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How much the system takes that it cannot send yet, in bytes. What it has taken cannot be taken back at a cut, and is in no budget.
const UNSENT: u32 = 128 << 10;

/// Where connections come from.
pub(crate) trait Source: Send {
    fn next(&mut self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Source for TcpListener {
    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept().await
    }
}

/// The connections that get a seat. Others are closed at once.
pub(crate) fn accepting<S: Source>(
    source: S,
    connections: Arc<Connections>,
) -> impl Stream<Item = Connection> {
    unfold((source, connections), |(mut source, connections)| async {
        loop {
            let (io, remote) = accepted(&mut source).await;
            let Some(seat) = connections.admit(remote.ip()).await else { continue };
            // A connection that is gone already is found out by its first read.
            let _ = io.set_nodelay(true);
            let _ = SockRef::from(&io).set_tcp_notsent_lowat(UNSENT);
            let connection = Connection::new(io, remote, connections.patience, seat);
            return Some((connection, (source, connections)));
        }
    })
}

async fn accepted<S: Source>(source: &mut S) -> (TcpStream, SocketAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        match source.next().await {
            Ok(accepted) => return accepted,
            // The peer's doing: the next one may be well.
            Err(error) if is_of_one(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "no connection can be accepted; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::VecDeque;
    use std::pin::pin;

    use futures_util::StreamExt as _;
    use tokio::time::Instant;

    use super::*;
    use crate::Limits;

    /// Fails with these errors, then accepts.
    struct Short(VecDeque<i32>, TcpListener);

    impl Source for Short {
        async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
            match self.0.pop_front() {
                Some(error) => Err(io::Error::from_raw_os_error(error)),
                None => self.1.accept().await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_shortage_ends_the_loop_or_makes_it_spin() {
        const ABORTED: i32 = 103;
        const SHORT: [i32; 3] = [24, 23, 12];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let errors = [ABORTED; 100].into_iter().chain(SHORT.into_iter().cycle().take(20));
        let source = Short(errors.collect(), listener);
        let connections = Connections::new(&Limits::default()).unwrap();
        let (begun, mut accepted) = (Instant::now(), pin!(accepting(source, connections)));
        let arrival = accepted.next().await.unwrap().arrival();
        assert_eq!(arrival.remote, client.local_addr().unwrap());
        // 20 shortages: 10 ms, 20 ms, … to a second each. What one peer did costs no time.
        let waited = begun.elapsed();
        assert!(waited > Duration::from_secs(14) && waited < Duration::from_secs(15), "{waited:?}");
    }
}
