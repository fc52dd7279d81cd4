//! Serves connections: handshakes, the settings of HTTP, and an end that waits for the calls under way.
//!
//! Invariant: everything that is done for a call over HTTP/2 runs in a [`call_task`], which the guard can end.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::{Stream, StreamExt as _};
use hallpass_guard::{Taken, call_task};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tower::util::BoxCloneService;
use tower::{Service, ServiceExt as _};

use crate::connection::{Arrival, Connection};
use crate::{Config, Shutdown, TlsError, TlsFiles};

/// How many times its calls of one connection may be reset before they were looked at; then the connection is ended (CVE-2023-44487). A
/// peer's connection carries everybody's calls: one user who resets theirs by the dozen must not end it.
const PENDING_RESETS: usize = 4;
/// How many faulty calls of one connection may be reset by this side; then the connection is ended (CVE-2025-8671).
const LOCAL_RESETS: usize = 1024;
/// The least that HTTP/1.1 takes for a buffer, in bytes.
const LEAST_HEAD: usize = 8 << 10;
/// How long a client may take to agree on a key.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// What answers the calls of a connection.
pub(crate) type Served = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

/// A service as every connection calls it.
pub(crate) fn served<S, B>(service: S) -> Served
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Outermost: what the transport asks for is what the task is told.
    let taken = |answer: Response<B>| answer.map(|body| Body::new(Taken::new(body)));
    BoxCloneService::new(service.map_response(taken))
}

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Transport {
    http: auto::Builder<CallTasks>,
    tls: Option<TlsAcceptor>,
}

/// Spawns what HTTP/2 does for a call.
#[derive(Debug, Clone, Copy)]
struct CallTasks;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for CallTasks {
    fn execute(&self, serving: F) {
        TokioExecutor::new().execute(call_task(serving));
    }
}

impl Transport {
    /// From the settings. HTTP/1.1 is for those who fetch a document, and for probes, which get an answer that says what is spoken here.
    pub(crate) fn new(config: &Config) -> Result<Self, TlsError> {
        let limits = &config.limits;
        let mut http = auto::Builder::new(CallTasks);
        let head = usize::try_from(limits.header_bytes).unwrap_or(usize::MAX);
        http.http1().timer(TokioTimer::new()).max_buf_size(head.max(LEAST_HEAD));
        let calls =
            usize::try_from(limits.calls_per_connection).unwrap_or(usize::MAX / PENDING_RESETS);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(limits.transport_header_bytes())
            .max_concurrent_streams(limits.calls_per_connection)
            .initial_stream_window_size(limits.stream_window_bytes)
            .initial_connection_window_size(limits.connection_window())
            .max_pending_accept_reset_streams(PENDING_RESETS * calls)
            .max_local_error_reset_streams(LOCAL_RESETS)
            .keep_alive_interval(config.keepalive.interval)
            .keep_alive_timeout(config.keepalive.timeout);
        let tls = config.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        Ok(Self { http, tls })
    }

    /// Serves until it is told to drain, and then until every connection has ended. Dropped, it drops its connections.
    pub(crate) async fn serve(
        self,
        incoming: impl Stream<Item = Connection>,
        service: Served,
        shutdown: Shutdown,
    ) {
        let mut connections = JoinSet::new();
        {
            let (mut incoming, mut draining) = (pin!(incoming), pin!(shutdown.clone().draining()));
            loop {
                tokio::select! {
                    () = &mut draining => break,
                    Some(connection) = incoming.next() => {
                        connections.spawn(self.clone().converse(connection, service.clone(), shutdown.clone()));
                    }
                    Some(_) = connections.join_next() => {}
                    else => break,
                }
            }
        }
        while connections.join_next().await.is_some() {}
    }

    /// One connection, from its handshake to its end.
    async fn converse(self, connection: Connection, service: Served, shutdown: Shutdown) {
        let arrival = connection.arrival();
        let Some(tls) = &self.tls else {
            return self.talk(connection, service, arrival, shutdown).await;
        };
        match timeout(HANDSHAKE_WITHIN, tls.accept(connection)).await {
            Ok(Ok(stream)) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let certificate = certificates.and_then(|chain| certificate(chain.first()?));
                self.talk(stream, service, Arrival { certificate, ..arrival }, shutdown).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, remote = %arrival.remote, "no handshake"),
            Err(_) => tracing::debug!(remote = %arrival.remote, "the handshake took too long"),
        }
    }

    async fn talk<I>(&self, io: I, service: Served, arrival: Arrival, shutdown: Shutdown)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service.map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(arrival.clone());
            request
        });
        let service = TowerToHyperService::new(service);
        let mut talking = pin!(self.http.serve_connection(TokioIo::new(io), service));
        let ended = tokio::select! {
            ended = &mut talking => ended,
            () = shutdown.draining() => {
                talking.as_mut().graceful_shutdown();
                talking.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended by an error");
        }
    }
}

/// What a token's `cnf` is compared with: the SHA-256 of the certificate (RFC 8705, `x5t#S256`).
fn certificate(der: &[u8]) -> Option<[u8; 32]> {
    digest(&SHA256, der).as_ref().try_into().ok()
}
