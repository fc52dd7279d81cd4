//! What a stream had not sent when it was cut is not sent later, whatever the client does with its window.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use h2::RecvStream;
use h2::client::SendRequest;
use hallpass_guard::GuardLayer;
use http::{Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::{Code, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::fixture::{Mesh, reason, request, soon, until};
use crate::streams_server::StreamingMesh;

const DOWN: &str = "/t.Streams/Down";
const ONE: &str = "/t.Streams/One";
/// Of these streams each client lets one byte come, until it is told to open its windows.
const STREAMS: usize = 100;
const CLIENTS: usize = 10;

/// A client whose windows hold so many bytes, until `open`.
async fn client(
    streaming: &StreamingMesh,
    window: u32,
    mut open: watch::Receiver<bool>,
) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(streaming.address).await.unwrap();
    let builder = h2::client::Builder::new().initial_window_size(window).handshake(socket);
    let (client, mut connection) = soon(builder).await.unwrap();
    tokio::spawn(async move {
        tokio::select! {
            _ = &mut connection => return,
            opened = open.wait_for(|open| *open) => drop(opened),
        }
        connection.set_target_window_size(1 << 30);
        let _ = connection.set_initial_window_size(1 << 20);
        let _ = connection.await;
    });
    client
}

/// The answer of a stream, of which nothing is read.
async fn answered(client: &SendRequest<Bytes>, token: &str) -> RecvStream {
    answered_to(client, Request::post(format!("http://t{DOWN}")), token).await
}

async fn answered_to(
    client: &SendRequest<Bytes>,
    call: http::request::Builder,
    token: &str,
) -> RecvStream {
    let mut client = soon(client.clone().ready()).await.unwrap();
    let call = call.header("content-type", "application/grpc");
    let call = call.header("authorization", format!("Bearer {token}")).body(()).unwrap();
    let (answer, _) = client.send_request(call, true).unwrap();
    soon(answer).await.unwrap().into_body()
}

/// The answer of a stream, its one byte read.
async fn opened(client: &SendRequest<Bytes>, token: &str) -> RecvStream {
    let mut body = answered(client, token).await;
    assert_eq!(soon(body.data()).await.unwrap().unwrap().len(), 1);
    body
}

/// What still comes of a stream, and the code with which it is reset; `None` if it ends with the status of a cut one.
async fn rest(body: RecvStream) -> (usize, Option<h2::Reason>) {
    rest_in(body, true).await
}

/// The same of a client that opens its window again, or does not, as it reads.
async fn rest_in(mut body: RecvStream, opens: bool) -> (usize, Option<h2::Reason>) {
    let mut bytes = 0;
    loop {
        match soon(body.data()).await {
            Some(Ok(data)) => {
                bytes += data.len();
                if opens {
                    let _ = body.flow_control().release_capacity(data.len());
                }
            }
            Some(Err(error)) => return (bytes, Some(error.reason().unwrap())),
            None => {
                let trailers = soon(body.trailers()).await.unwrap().unwrap();
                assert_eq!(trailers["grpc-status"], "16", "UNAUTHENTICATED");
                return (bytes, None);
            }
        }
    }
}

/// A thousand streams of clients with one-byte windows, which they open once all is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_had_its_window_shut_gets_nothing_after_the_cut() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    let open = watch::Sender::new(false);
    let mut bodies = Vec::new();
    for _ in 0..CLIENTS {
        let client = client(&streaming, 1, open.subscribe()).await;
        let opening = (0..STREAMS).map(|_| opened(&client, &token));
        bodies.extend(join_all(opening).await);
    }
    assert_eq!(streaming.mesh.guard.counts().streams, CLIENTS * STREAMS);
    streaming.mesh.revoke(print);
    until(|| streaming.mesh.guard.counts().streams == 0).await;
    open.send_replace(true);
    let rest = join_all(bodies.into_iter().map(rest)).await;
    let late: usize = rest.iter().map(|(bytes, _)| bytes).sum();
    assert_eq!(late, 0, "bytes came after the cut");
    assert!(rest.iter().all(|(_, reason)| *reason == Some(h2::Reason::CANCEL)));
}

/// With no window at all hyper holds a piece that it has not given to h2, and polls nothing. The reset comes all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_opens_its_window_gets_the_reset_and_nothing_else() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    let open = watch::Sender::new(false);
    let mut bodies = Vec::new();
    for _ in 0..CLIENTS {
        let client = client(&streaming, 0, open.subscribe()).await;
        let opening = (0..STREAMS).map(|_| answered(&client, &token));
        bodies.extend(join_all(opening).await);
    }
    streaming.mesh.revoke(print);
    let ends = join_all(bodies.into_iter().map(rest)).await;
    assert!(ends.iter().all(|end| *end == (0, Some(h2::Reason::CANCEL))));
    assert_eq!(streaming.mesh.guard.counts().streams, 0);
}

/// What a unary call answered is past its handler, and not yet with its client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_of_a_unary_call_is_taken_back_while_its_client_does_not_take_it() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    for (window, length) in [(0, 100), (0, 200 << 10), (1, 200 << 10)] {
        let (token, print) = streaming.mesh.revocable();
        let open = watch::Sender::new(false);
        let client = client(&streaming, window, open.subscribe()).await;
        let call = Request::post(format!("http://t{ONE}")).header("x-length", length);
        let body = answered_to(&client, call, &token).await;
        until(|| streaming.mesh.guard.counts().waiting == 1).await;
        streaming.mesh.revoke(print);
        let (bytes, reason) = rest_in(body, false).await;
        assert!(bytes <= window as usize, "{bytes} bytes of {length}");
        assert_eq!(reason, Some(h2::Reason::CANCEL), "{length}");
        until(|| streaming.mesh.guard.counts().waiting == 0).await;
    }
}

/// An endless answer, as the guard hands it to the transport.
async fn endless(mesh: &Mesh, token: &str) -> Body {
    let handler = service_fn(async |_: Request<Body>| {
        let frame = || Ok::<_, Status>(http_body::Frame::data(Bytes::from(vec![7; 200 << 10])));
        let frames = tokio_stream::iter(std::iter::repeat_with(frame));
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(frames))))
    });
    let bearer = format!("Bearer {token}");
    let call = request(DOWN, &[("authorization", &bearer)]);
    let guarded = GuardLayer::new(Arc::clone(&mesh.guard)).layer(handler);
    guarded.oneshot(call).await.unwrap().into_body()
}

async fn piece(body: &mut Body) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

/// The transport has one piece of at most 64 KiB at a time, and gets the next when it has sent that.
#[tokio::test(start_paused = true)]
async fn the_transport_holds_one_piece_at_a_time() {
    let mesh = Mesh::start();
    let mut body = endless(&mesh, &mesh.user_token()).await;
    for length in [64, 64, 64, 8, 64] {
        let held = piece(&mut body).await;
        assert_eq!(held.len(), length << 10);
        let second = tokio::time::timeout(Duration::from_hours(1), body.frame()).await;
        assert!(second.is_err(), "a second piece was handed over");
    }
}

/// A client that takes what was handed over gets the status; one that does not is reset after a quarter of a second.
#[tokio::test(start_paused = true)]
async fn a_cut_stream_ends_with_its_status_or_is_reset_in_time() {
    let mesh = Mesh::start();
    for takes in [true, false] {
        let (token, print) = mesh.revocable();
        let mut body = endless(&mesh, &token).await;
        let held = piece(&mut body).await;
        mesh.revoke(print);
        let cut = Instant::now();
        if takes {
            let (end, ()) = tokio::join!(body.frame(), async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                drop(held);
            });
            let trailers = end.unwrap().unwrap().into_trailers().unwrap();
            assert_eq!(reason(&Status::from_header_map(&trailers).unwrap()), "TOKEN_REVOKED");
        } else {
            let end = body.frame().await.unwrap();
            assert_eq!(end.unwrap_err().code(), Code::Cancelled);
            assert!(cut.elapsed() <= Duration::from_millis(251), "{:?}", cut.elapsed());
            drop(held);
        }
        assert!(body.frame().await.is_none());
        assert_eq!(mesh.guard.counts().streams, 0);
    }
}
