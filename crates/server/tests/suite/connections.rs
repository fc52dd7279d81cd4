//! Connections: how many, for how long without a call, and who makes room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_server::{Bound, Server, Shutdown, ShutdownSwitch, StartError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Flags, Running, config, gate, services, setup};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: &[u8] = &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

async fn bind(flags: &Flags<'_>) -> Result<Bound, StartError> {
    let (setup, _) = setup(services(&gate()));
    Server::bind(&config(flags), setup).await
}

pub(crate) async fn start(limits: Value) -> (SocketAddr, ShutdownSwitch) {
    start_with(&Flags::from([("limits", limits)])).await
}

async fn start_with(flags: &Flags<'_>) -> (SocketAddr, ShutdownSwitch) {
    let bound = bind(flags).await.unwrap();
    let address = bound.address();
    let (switch, shutdown) = Shutdown::by_hand();
    tokio::spawn(bound.serve(shutdown));
    (address, switch)
}

async fn silent(at: SocketAddr, said: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(at).await.unwrap();
    socket.write_all(said).await.unwrap();
    socket
}

/// Waits until the server closes the connection.
async fn closed(mut socket: TcpStream) {
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await.is_ok_and(|count| count > 0) {}
}

async fn health(at: SocketAddr) -> HealthClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{at}")).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn who_makes_no_call_is_closed_however_far_the_handshake_went() {
    let (at, _switch) = start(json!({"first_call_within": "7s"})).await;
    let complete = [PREFACE, SETTINGS].concat();
    for said in [&b""[..], b"PRI", PREFACE, &complete] {
        let begun = Instant::now();
        closed(silent(at, said).await).await;
        let lasted = begun.elapsed();
        assert!((7..8).contains(&lasted.as_secs()), "{said:?}: {lasted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tls_handshake_has_an_end() {
    use crate::tls::file;
    let tls = json!({"cert": file("server.pem"), "key": file("server.key")});
    let limits = json!({"first_call_within": "7s"});
    let (at, _switch) = start_with(&Flags::from([("limits", limits), ("tls", tls)])).await;
    let begun = Instant::now();
    // A TLS record that announces a client's hello, and nothing of it.
    closed(silent(at, &[22, 3, 1, 2, 0, 1]).await).await;
    assert!((7..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn pings_are_no_calls() {
    let (at, _switch) = start(json!({"first_call_within": "7s"})).await;
    let begun = Instant::now();
    let (mut from, mut to) = silent(at, &[PREFACE, SETTINGS].concat()).await.into_split();
    let pinging = tokio::spawn(async move {
        while to.write_all(PING).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut rest = [0; 1024];
    while from.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    pinging.abort();
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_from_the_end_of_its_last_call() {
    let (at, _switch) = start(json!({"first_call_within": "7s", "idle": "60s"})).await;
    let channel = Channel::from_shared(format!("http://{at}")).unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let connector = tower::service_fn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let socket = TcpStream::connect(at).await?;
            socket.set_nodelay(true)?;
            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(socket))
        }
    });
    let mut client = HealthClient::new(channel.connect_with_connector(connector).await.unwrap());
    let made = || connections.load(Ordering::SeqCst);
    client.check(HealthCheckRequest::default()).await.unwrap();
    // A watcher is a call under way, for as long as it stays.
    let watcher = client.watch(HealthCheckRequest::default()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    drop(watcher);
    tokio::time::sleep(Duration::from_secs(50)).await;
    client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(made(), 1);
    tokio::time::sleep(Duration::from_secs(70)).await;
    client.check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(made(), 2, "it was closed in between");
}

/// Whoever fills an address's or the server's connections with idle ones keeps nobody out.
#[tokio::test]
async fn a_connection_without_a_call_makes_room_for_a_new_one() {
    for limits in [json!({"connections_per_address": 4}), json!({"connections": 4})] {
        let (at, _switch) = start(limits).await;
        let mut idle = Vec::new();
        for _ in 0..20 {
            idle.push(silent(at, &[PREFACE, SETTINGS].concat()).await);
        }
        let mut watching = Vec::new();
        for _ in 0..4 {
            let mut client = health(at).await;
            watching.push(client.watch(HealthCheckRequest::default()).await.unwrap());
        }
        for socket in idle {
            closed(socket).await;
        }
        // A call without a token keeps no seat from others either: the oldest has to go.
        let mut client = health(at).await;
        client.check(HealthCheckRequest::default()).await.unwrap();
        let mut oldest = watching.remove(0).into_inner();
        while oldest.message().await.is_ok_and(|message| message.is_some()) {}
        for watcher in &mut watching {
            assert!(watcher.get_mut().message().await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn a_connection_with_a_call_whose_token_has_verified_stays() {
    let limits = json!({"connections_per_address": 2});
    let server = Running::start(&Flags::from([("limits", limits)])).await;
    let mut known = server.endless().await.unwrap();
    for _ in 0..5 {
        let mut client = health(server.address).await;
        client.watch(HealthCheckRequest::default()).await.unwrap();
    }
    let another = Channel::from_shared(format!("http://{}", server.address)).unwrap();
    let mut another = RevocationServiceClient::new(another.connect().await.unwrap());
    let request = server.with_token(tokio_stream::pending());
    let mut second = another.watch(request).await.unwrap().into_inner();
    // Both have calls with a token now: whoever comes is closed at once.
    closed(silent(server.address, PREFACE).await).await;
    for stream in [&mut known, &mut second] {
        assert!(futures_util::poll!(std::pin::pin!(stream.message())).is_pending());
    }
}

#[tokio::test]
async fn a_trusted_proxy_may_have_all_connections() {
    let proxies = json!({"connections_per_address": 1, "trusted_proxies": ["127.0.0.0/8"]});
    let (at, _switch) = start(proxies).await;
    let mut watching = Vec::new();
    for _ in 0..4 {
        let mut client = health(at).await;
        watching.push(client.watch(HealthCheckRequest::default()).await.unwrap());
    }
}

#[tokio::test]
async fn more_connections_than_descriptors_are_refused_at_start() {
    let refused = bind(&Flags::from([("limits", json!({"connections": u32::MAX}))])).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("limits.connections: 4294967295 do not fit"), "{refused}");
    assert!(refused.contains("set at most"), "{refused}");
}
