//! What does not verify costs work, and that is limited: nobody whose token verifies is refused for it.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{CallLimits, PeerAddress};
use http::Request;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::body::Body;
use tonic_types::StatusExt as _;

use crate::fixture::{Mesh, Outcome, request, soon, until, user, with};

const READ: &str = "/t.Platform/Read";
const REVOKE: &str = "/t.Platform/Revoke";

/// So many verifications may fail at once.
const AT_ONCE: u32 = 10;

/// In this time one more may fail.
const EACH: Duration = Duration::from_millis(25);

fn mesh() -> Mesh {
    let failed_verifications = NonZeroU32::new(4 * AT_ONCE);
    Mesh::limited(CallLimits { failed_verifications, ..CallLimits::default() })
}

fn from(connection: u16, token: &str, path: &str) -> Request<Body> {
    let mut request = request(path, &[("authorization", &format!("Bearer {token}"))]);
    let address = "192.0.2.1".parse().unwrap();
    request.extensions_mut().insert(PeerAddress(address, connection));
    request
}

/// A call that is begun, and what becomes of it later.
async fn begin(mesh: &Mesh, request: Request<Body>) -> JoinHandle<Outcome> {
    let call = tokio::spawn(mesh.sending(request));
    tokio::task::yield_now().await;
    call
}

fn forged(mesh: &Mesh) -> String {
    let token = mesh.user_token();
    format!("{}AAAAAA", &token[..token.len() - 6])
}

/// Uses up what may fail at once.
async fn exhaust(mesh: &Mesh) {
    for _ in 0..AT_ONCE {
        let refused = mesh.send(from(1, &forged(mesh), READ)).await;
        assert_eq!(refused.reason(), "TOKEN_INVALID");
    }
}

#[tokio::test]
async fn tokens_that_verify_are_not_counted() {
    let mesh = mesh();
    for _ in 0..10 * AT_ONCE {
        assert_eq!(mesh.send(from(1, &mesh.user_token(), READ)).await.reason(), "OK");
    }
}

#[tokio::test]
async fn a_token_that_verifies_gets_in_whatever_else_its_address_sends() {
    let mesh = mesh();
    let known = mesh.user_token();
    assert_eq!(mesh.send(from(1, &known, READ)).await.reason(), "OK");
    exhaust(&mesh).await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(begin(&mesh, from(1, &forged(&mesh), READ)).await);
    }
    assert_eq!(
        mesh.send(from(1, &known, READ)).await.reason(),
        "OK",
        "who is known is not held up"
    );
    let ann = begin(&mesh, from(2, &mesh.user_token(), READ)).await;
    assert!(!ann.is_finished(), "nobody overtakes those who wait");
    mesh.clock.advance(2 * EACH);
    assert_eq!(soon(ann).await.unwrap().reason(), "OK");
    let waiting = flood.iter().filter(|call| !call.is_finished()).count();
    assert!(waiting >= 198, "{waiting} wait: each connection has its turn");
    // Who gives up leaves the queue, and the next one has its turn.
    flood.iter().for_each(JoinHandle::abort);
    let bob = begin(&mesh, from(1, &mesh.mint("users", &user("bob")), READ)).await;
    mesh.clock.advance(2 * EACH);
    assert_eq!(soon(bob).await.unwrap().reason(), "OK");
}

#[tokio::test]
async fn what_is_served_while_stale_does_not_wait_for_the_rest() {
    let mesh = mesh();
    exhaust(&mesh).await;
    let mut flood = Vec::new();
    for connection in 1..100 {
        flood.push(begin(&mesh, from(connection, &forged(&mesh), READ)).await);
    }
    let revoking = begin(&mesh, from(1, &mesh.user_token(), REVOKE)).await;
    mesh.clock.advance(2 * EACH);
    assert_eq!(soon(revoking).await.unwrap().reason(), "OK");
}

/// However many wait, it is one of them that is refused, and its sender comes again.
#[tokio::test]
async fn when_too_many_wait_the_last_of_the_longest_queue_is_refused() {
    const WAITING: usize = 4096;
    let mesh = mesh();
    exhaust(&mesh).await;
    let ann = begin(&mesh, from(2, &mesh.user_token(), READ)).await;
    let forged = forged(&mesh);
    let mut flood = Vec::new();
    for _ in 0..WAITING {
        flood.push(begin(&mesh, from(1, &forged, READ)).await);
    }
    until(|| flood.last().is_some_and(JoinHandle::is_finished)).await;
    let shed = flood.pop().unwrap().await.unwrap();
    assert_eq!(shed.reason(), "TOO_MANY");
    let details = shed.status().get_error_details();
    let wait = details.retry_info().and_then(|info| info.retry_delay);
    assert_eq!(
        (shed.status().code(), wait),
        (Code::ResourceExhausted, Some(Duration::from_secs(1)))
    );
    assert!(flood.iter().all(|call| !call.is_finished()));
    mesh.clock.advance(2 * EACH);
    assert_eq!(soon(ann).await.unwrap().reason(), "OK");
}

#[tokio::test]
async fn an_expired_token_is_verified_once() {
    let mesh = mesh();
    let life = Duration::from_mins(1);
    let (used, unused) = (mesh.mint("users", &with(user("ann"), |new| new.life = Some(life))), {
        mesh.mint("users", &with(user("ann"), |new| new.life = Some(life)))
    });
    assert_eq!(mesh.call(READ, &used).await.reason(), "OK");
    mesh.clock.advance(Duration::from_mins(5));
    for _ in 0..3 * AT_ONCE {
        assert_eq!(mesh.call(READ, &used).await.reason(), "TOKEN_EXPIRED");
        assert_eq!(mesh.call(READ, &unused).await.reason(), "TOKEN_EXPIRED");
    }
    assert_eq!(mesh.guard.counts().verifications, 2);
}

/// The token that waited is gone from the metadata when its handler is entered, as any other.
#[tokio::test]
async fn a_call_that_waited_is_as_any_other() {
    let mesh = mesh();
    exhaust(&mesh).await;
    let call = begin(&mesh, from(1, &mesh.user_token(), READ)).await;
    let decided = mesh.guard.counts().decisions;
    mesh.clock.advance(2 * EACH);
    let outcome = soon(call).await.unwrap();
    assert!(outcome.parts().headers.is_empty());
    assert_eq!(mesh.guard.counts().decisions, decided);
}
