//! A connection that ends by itself when it is of no use: no call for too long, or a peer that takes no more bytes.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::activity::{Activity, Patience};
use crate::connections::Seat;

/// How long the peer may take no byte while there is something to send. Without it, a peer that reads nothing keeps a
/// connection for ever: the answer to a keepalive ping cannot be missed as long as the ping cannot be sent.
const STALL: Duration = Duration::from_mins(1);

/// A socket with its seat among the connections.
pub(crate) struct Connection<T = TcpStream> {
    io: T,
    remote: SocketAddr,
    patience: Patience,
    timer: Pin<Box<Sleep>>,
    stalled_since: Option<Instant>,
    seat: Seat,
}

/// What each request of a connection knows about it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// The socket's other end.
    pub(crate) remote: SocketAddr,
    pub(crate) activity: Arc<Activity>,
    /// The SHA-256 of the certificate that the other end showed.
    pub(crate) certificate: Option<[u8; 32]>,
}

impl<T> Connection<T> {
    pub(crate) fn new(io: T, remote: SocketAddr, patience: Patience, seat: Seat) -> Self {
        let first = Instant::now() + patience.first_call;
        let timer = Box::pin(sleep_until(first));
        Self { io, remote, patience, timer, stalled_since: None, seat }
    }

    /// What is known before the handshake.
    pub(crate) fn arrival(&self) -> Arrival {
        let activity = Arc::clone(self.seat.activity());
        Arrival { remote: self.remote, activity, certificate: None }
    }

    /// Ready once the connection has to end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let activity = self.seat.activity();
        // Registered first and looked at after.
        activity.watched_by(cx.waker());
        if activity.is_dismissed() {
            return Poll::Ready(());
        }
        loop {
            std::task::ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let stalled = self.stalled_since.map(|since| since + STALL);
            let idle = activity.overdue_at(self.patience);
            let next = [stalled, idle].into_iter().flatten().min();
            let next = next.unwrap_or(now + self.patience.idle);
            if next <= now {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(next);
        }
    }

    /// Notes whether the peer takes what is written.
    fn noted<R>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if poll.is_ready() {
            self.stalled_since = None;
            return poll;
        }
        if self.stalled_since.is_none() {
            let now = Instant::now();
            self.stalled_since = Some(now);
            if self.timer.deadline() > now + STALL {
                self.timer.as_mut().reset(now + STALL);
            }
            if self.poll_end(cx).is_ready() {
                return Poll::Ready(Err(over()));
            }
        }
        poll
    }
}

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection was of no use for too long")
}

impl<T: AsyncRead + Unpin> AsyncRead for Connection<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.poll_end(cx).is_ready() {
            return Poll::Ready(Err(over()));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.poll_end(cx).is_ready() {
            return Poll::Ready(Err(over()));
        }
        let poll = Pin::new(&mut self.io).poll_write(cx, buf);
        self.noted(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.poll_end(cx).is_ready() {
            return Poll::Ready(Err(over()));
        }
        let poll = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.noted(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;
    use crate::Limits;
    use crate::activity::UnderWay;
    use crate::connections::Connections;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_left_although_calls_are_under_way() {
        let connections = Connections::new(&Limits::default()).unwrap();
        let remote: SocketAddr = ([127, 0, 0, 1], 5000).into();
        let seat = connections.admit(remote.ip()).await.unwrap();
        let (io, mut peer) = duplex(1024);
        let mut connection = Connection::new(io, remote, connections.patience, seat);
        let _call = UnderWay::on(connection.seat.activity());
        // As long as it takes some of it now and then, it stays.
        for _ in 0..10 {
            let reading = async {
                tokio::time::sleep(STALL * 9 / 10).await;
                peer.read_exact(&mut [0; 1000]).await
            };
            let (written, read) = tokio::join!(connection.write_all(&[7; 1000]), reading);
            written.unwrap();
            read.unwrap();
        }
        let begun = Instant::now();
        let error = connection.write_all(&[7; 4096]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), STALL.as_secs());
    }
}
