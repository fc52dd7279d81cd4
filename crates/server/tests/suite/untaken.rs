//! A client that lets nothing in: its calls end all the same, and hold nothing for longer.

use std::net::SocketAddr;
use std::time::Duration;

use h2::client::SendRequest;
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::codegen::Bytes;

use crate::connections::start;

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
    let ended = body.data().await.unwrap().unwrap_err();
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
    let ended = body.data().await.unwrap().unwrap_err();
    assert_eq!(ended.reason(), Some(h2::Reason::CANCEL));
    assert!((7..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
