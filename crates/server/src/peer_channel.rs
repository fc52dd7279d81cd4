//! The connections to one peer: one, and more while more calls are under way than one takes.
//!
//! Invariants: calls whose answers nobody reads take neither the streams nor the bytes of a connection from others; each
//! connection is made when it is first needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::TryFutureExt as _;
use futures_util::future::MapOk;
use http::{Request, Response};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

use crate::calls::{Answering, Counted};

/// The most connections: with so many, a server's calls in all find room at a peer that takes 256 on each.
const CONNECTIONS: usize = 16;
/// How many calls are on a connection before the next one is used. A server's default of `calls_per_connection` is 256.
const CALLS: usize = 224;
/// How much of one answer a peer may send ahead of what is read.
const STREAM_WINDOW: u32 = 64 << 10;
/// How much of all answers on one connection: enough that the calls on it never wait for each other.
const CONNECTION_WINDOW: u32 = 256 * STREAM_WINDOW;

/// The way to a peer. Clones share the connections.
#[derive(Debug, Clone)]
pub struct PeerChannel {
    connections: Vec<PeerConnection>,
    /// The one that is ready for the next call.
    chosen: usize,
}

#[derive(Debug, Clone)]
struct PeerConnection {
    channel: Channel,
    calls: Arc<AtomicUsize>,
}

/// A call under way on a connection.
#[derive(Debug)]
pub struct OnConnection(Arc<AtomicUsize>);

/// An answer whose call is under way until its body is gone.
type Answer = Response<Counted<Body, OnConnection>>;
type Counting = Answering<<Channel as Service<Request<Body>>>::Future, OnConnection>;

impl PeerChannel {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let endpoint = endpoint
            .clone()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let connection = || PeerConnection {
            channel: endpoint.connect_lazy(),
            calls: Arc::new(AtomicUsize::new(0)),
        };
        let connections = std::iter::repeat_with(connection).take(CONNECTIONS).collect();
        Self { connections, chosen: 0 }
    }

    /// The first with room, else the one with the fewest calls.
    fn choose(&self) -> usize {
        let calls = |at: &usize| self.connections[*at].calls.load(Ordering::Relaxed);
        let mut all = 0..self.connections.len();
        let fewest = all.clone().min_by_key(calls).unwrap_or(0);
        all.find(|at| calls(at) < CALLS).unwrap_or(fewest)
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = <Channel as Service<Request<Body>>>::Error;
    type Future = MapOk<Counting, fn(Answer) -> Response<Body>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.chosen = self.choose();
        let chosen = &mut self.connections[self.chosen].channel;
        Service::<Request<Body>>::poll_ready(chosen, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let PeerConnection { channel, calls } = &mut self.connections[self.chosen];
        calls.fetch_add(1, Ordering::Relaxed);
        let call = OnConnection(Arc::clone(calls));
        Answering::new(channel.call(request), Some(call)).map_ok(|answer| answer.map(Body::new))
    }
}

impl Drop for OnConnection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
