//! A real server on loopback, behind the guard, whose handlers never end a stream by themselves and tell when they are dropped.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hallpass_guard::{GuardLayer, Taken, call_task};
use http::uri::PathAndQuery;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::fixture::{Mesh, soon};

type Codec = ProstCodec<String, String>;
type Replied<T> = Result<tonic::Response<T>, Status>;
type Answers = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// Spawns what HTTP/2 does for a call.
#[derive(Clone)]
struct CallTasks;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for CallTasks {
    fn execute(&self, serving: F) {
        tokio::spawn(call_task(serving));
    }
}

/// Serves HTTP/2, each call in a task that the guard can end.
async fn serve<S>(listener: TcpListener, service: S)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let service = service
            .clone()
            .map_request(|request: Request<Incoming>| request.map(Body::new))
            .map_response(|answer: Response<Body>| answer.map(Taken::new));
        let service = TowerToHyperService::new(service);
        tokio::spawn(async move {
            let http = http2::Builder::new(CallTasks);
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// A mesh whose guard stands before a server that streams.
pub(crate) struct StreamingMesh {
    pub(crate) mesh: Mesh,
    pub(crate) address: SocketAddr,
    channel: Channel,
    events: mpsc::UnboundedReceiver<String>,
}

impl StreamingMesh {
    pub(crate) async fn start(mesh: Mesh) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, events) = mpsc::unbounded_channel();
        let routes = Routes::new(Streams { tell }).prepare();
        tokio::spawn(serve(listener, GuardLayer::new(Arc::clone(&mesh.guard)).layer(routes)));
        let channel = Channel::from_shared(format!("http://{address}")).unwrap();
        Self { mesh, address, channel: channel.connect().await.unwrap(), events }
    }

    /// The next thing that a handler told.
    pub(crate) async fn told(&mut self) -> String {
        soon(self.events.recv()).await.unwrap()
    }

    /// Opens a stream; the client keeps its side open for as long as `sending` lives.
    pub(crate) async fn open(
        &self,
        path: &'static str,
        token: &str,
        sending: mpsc::UnboundedReceiver<String>,
    ) -> Result<Streaming<String>, Status> {
        let sending = tokio_stream::wrappers::UnboundedReceiverStream::new(sending);
        let mut request = tonic::Request::new(sending);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static(path);
        let answer = client.streaming(request, path, Codec::default());
        soon(answer).await.map(tonic::Response::into_inner)
    }
}

/// The service `t.Streams`.
#[derive(Clone)]
struct Streams {
    tell: mpsc::UnboundedSender<String>,
}

impl NamedService for Streams {
    const NAME: &'static str = "t.Streams";
}

impl Service<Request<Body>> for Streams {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let tell = self.tell.clone();
        let mut grpc = tonic::server::Grpc::new(Codec::default());
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/t.Streams/One" => Response::new(Body::new(Full::new(one(&request)))),
                "/t.Streams/Up" => {
                    grpc.client_streaming(service_fn(|r| up(r, tell.clone())), request).await
                }
                "/t.Streams/Both" => {
                    grpc.streaming(service_fn(|r| ready(both(r, &tell))), request).await
                }
                _ => grpc.streaming(service_fn(|r| ready(down(&r, &tell))), request).await,
            })
        })
    }
}

/// As many bytes as the request's header says.
fn one(request: &Request<Body>) -> Bytes {
    let length = request.headers()["x-length"].to_str().unwrap().parse().unwrap();
    vec![7; length].into()
}

/// Tells when it is dropped.
struct Held(mpsc::UnboundedSender<String>);

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.send("dropped".to_owned());
    }
}

/// Sends more than any window holds, for ever.
#[expect(clippy::unnecessary_wraps, reason = "it is what tonic takes as a handler")]
fn down(
    _: &tonic::Request<Streaming<String>>,
    tell: &mpsc::UnboundedSender<String>,
) -> Replied<Answers> {
    let held = Held(tell.clone());
    let much = tokio_stream::iter(std::iter::repeat(())).map(move |()| {
        let _ = &held;
        Ok("x".repeat(64 * 1024))
    });
    Ok(tonic::Response::new(Box::pin(much)))
}

/// Reads until it is told to stay, and never answers.
async fn up(
    request: tonic::Request<Streaming<String>>,
    tell: mpsc::UnboundedSender<String>,
) -> Result<tonic::Response<String>, Status> {
    let _held = Held(tell);
    let mut messages = request.into_inner();
    while messages.message().await?.is_some_and(|message| message != "stay") {}
    std::future::pending().await
}

/// Reads in a task of its own, which outlives the answer, and tells what the read failed with.
#[expect(clippy::unnecessary_wraps, reason = "it is what tonic takes as a handler")]
fn both(
    request: tonic::Request<Streaming<String>>,
    tell: &mpsc::UnboundedSender<String>,
) -> Replied<Answers> {
    let mut messages = request.into_inner();
    let tell = tell.clone();
    let (answers, reply) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            match messages.message().await {
                Ok(Some(message)) => drop(answers.send(Ok(message))),
                Ok(None) => {
                    let _ = tell.send("read to its end".to_owned());
                    return;
                }
                Err(status) => {
                    let _ = tell.send(format!("read failed: {:?}", status.code()));
                    return;
                }
            }
        }
    });
    let reply = tokio_stream::wrappers::UnboundedReceiverStream::new(reply);
    Ok(tonic::Response::new(Box::pin(reply)))
}
