//! A client that lets nothing in: its calls end all the same, and hold nothing for longer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::unfold;
use h2::client::SendRequest;
use hallpass_server::{Server, Shutdown};
use http::Request;
use http_body_util::StreamBody;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tonic::body::Body;
use tonic::codegen::Bytes;

use crate::connections::start;
use crate::fixture::{Flags, config, gate, services, setup};

/// What comes within ten minutes, which pass at once.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_mins(10), what).await.unwrap()
}

/// A client whose windows hold nothing.
async fn client(at: SocketAddr) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(at).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (client, connection) = builder.initial_window_size(0).handshake(socket).await.unwrap();
    tokio::spawn(connection);
    client
}

/// How a call of health's service ends for such a client, and after how long.
async fn end(at: SocketAddr, method: &str, timeout: Option<&str>) -> (h2::Reason, Duration) {
    let begun = Instant::now();
    let mut client = client(at).await.ready().await.unwrap();
    let path = format!("http://t/grpc.health.v1.Health/{method}");
    let mut call = Request::post(path).header("content-type", "application/grpc");
    if let Some(timeout) = timeout {
        call = call.header("grpc-timeout", timeout);
    }
    let (answer, mut request) = client.send_request(call.body(()).unwrap(), false).unwrap();
    request.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let ended = soon(body.data()).await.unwrap().unwrap_err();
    (ended.reason().unwrap(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_ends_after_a_minute_at_most() {
    let (at, _switch) = start(json!({})).await;
    // A stranger's unary call has a deadline that comes before.
    for (method, seconds) in [("Check", 10), ("Watch", 60)] {
        let (reason, lasted) = end(at, method, None).await;
        assert_eq!(reason, h2::Reason::CANCEL, "{method}");
        assert!((seconds..seconds + 2).contains(&lasted.as_secs()), "{method}: {lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_holds_for_a_client_that_takes_nothing() {
    let (at, _switch) = start(json!({})).await;
    for method in ["Check", "Watch"] {
        let (reason, lasted) = end(at, method, Some("7S")).await;
        assert_eq!(reason, h2::Reason::CANCEL, "{method}");
        assert!((7..8).contains(&lasted.as_secs()), "{method}: {lasted:?}");
    }
}

/// Reflection reads its client's stream in a task of its own, which knows nothing of the call's end.
#[tokio::test(start_paused = true)]
async fn a_deadline_holds_for_a_client_that_keeps_its_own_side_open() {
    let (at, _switch) = start(json!({})).await;
    let begun = Instant::now();
    let mut client = client(at).await.ready().await.unwrap();
    let path = "http://t/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let call = Request::post(path).header("content-type", "application/grpc");
    let call = call.header("grpc-timeout", "7S").body(()).unwrap();
    let (answer, mut request) = client.send_request(call, false).unwrap();
    let list_services = Bytes::from_static(&[0, 0, 0, 0, 3, 0x3a, 1, b'*']);
    request.send_data(list_services, false).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let ended = soon(body.data()).await.unwrap().unwrap_err();
    assert_eq!(ended.reason(), Some(h2::Reason::CANCEL));
    assert!((7..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

/// Three bytes, each ten seconds after the one before.
fn slow() -> Body {
    let bytes = unfold(0, |sent| async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let frame = http_body::Frame::data(Bytes::from_static(b"x"));
        (sent < 3).then_some((Ok::<_, tonic::Status>(frame), sent + 1))
    });
    Body::new(StreamBody::new(bytes))
}

/// A call's deadline is none of a document's, which may be a large file.
#[tokio::test(start_paused = true)]
async fn a_document_takes_as_long_as_its_client_takes_it() {
    let (mut setup, _) = setup(services(&gate()));
    setup.fetches =
        vec![("/download/file", Arc::new(|_, _| Box::pin(async { http::Response::new(slow()) })))];
    let bound = Server::bind(&config(&Flags::new()), setup).await.unwrap();
    let at = bound.address();
    let (_switch, shutdown) = Shutdown::by_hand();
    tokio::spawn(bound.serve(shutdown));
    let socket = TcpStream::connect(at).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://t/download/file").body(()).unwrap();
    let (answer, _) = client.ready().await.unwrap().send_request(request, true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    let mut length = 0;
    while let Some(data) = body.data().await {
        length += data.unwrap().len();
    }
    assert_eq!(length, 3);
}
