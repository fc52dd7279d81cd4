//! Too many calls, refusals or things that are no tokens: refused with the time to wait, and nobody else suffers for it.

use std::num::NonZeroU32;
use std::time::Duration;

use hallpass_guard::{CallLimits, PeerAddress};
use http::Request;
use tonic::Code;
use tonic::body::Body;
use tonic_types::StatusExt as _;

use crate::fixture::{Mesh, Outcome, request, user};

const READ: &str = "/t.Platform/Read";
const ADMIN: &str = "/t.Platform/Admin";

fn limits(change: impl FnOnce(&mut CallLimits)) -> Mesh {
    let mut limits = CallLimits::default();
    change(&mut limits);
    Mesh::limited(limits)
}

fn from(address: &str, token: &str, path: &str) -> Request<Body> {
    let mut request = request(path, &[("authorization", &format!("Bearer {token}"))]);
    request.extensions_mut().insert(PeerAddress(address.parse().unwrap()));
    request
}

fn wait(outcome: &Outcome) -> Duration {
    let status = outcome.status();
    assert_eq!(status.code(), Code::ResourceExhausted);
    status.get_error_details().retry_info().unwrap().retry_delay.unwrap()
}

/// Forged tokens that name ann lock out whoever sends them, not ann.
#[tokio::test]
async fn what_does_not_verify_is_held_against_the_address_alone() {
    let mesh = limits(|it| it.failures = NonZeroU32::new(6));
    let token = mesh.user_token();
    let known = mesh.user_token();
    assert_eq!(mesh.send(from("10.0.0.1", &known, READ)).await.reason(), "OK");
    let forged = format!("{}x", &token[..token.len() - 9]);
    for _ in 0..7 {
        assert_eq!(mesh.send(from("10.0.0.1", &forged, READ)).await.reason(), "TOKEN_INVALID");
    }
    let refused = mesh.send(from("10.0.0.1", &forged, READ)).await;
    assert_eq!(wait(&refused), Duration::from_secs(10));
    let unknown = mesh.send(from("10.0.0.1", &token, READ)).await;
    assert_eq!(unknown.reason(), "TOO_MANY", "whether it would verify is not told");
    assert_eq!(
        mesh.send(from("10.0.0.1", &known, READ)).await.reason(),
        "OK",
        "who is known goes on"
    );
    assert_eq!(mesh.send(from("10.0.0.2", &token, READ)).await.reason(), "OK", "ann elsewhere");
    mesh.clock.advance(Duration::from_secs(10));
    assert_eq!(mesh.send(from("10.0.0.1", &mesh.user_token(), READ)).await.reason(), "OK");
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let mesh = limits(|it| it.failures = NonZeroU32::new(1));
    for host in ["2001:db8::1", "2001:db8::2"] {
        assert_eq!(mesh.send(from(host, "a.b.c", READ)).await.reason(), "TOKEN_INVALID");
    }
    assert_eq!(mesh.send(from("2001:db8::3", "a.b.c", READ)).await.reason(), "TOO_MANY");
    assert_eq!(mesh.send(from("2001:db8:0:1::3", "a.b.c", READ)).await.reason(), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_caller_that_is_refused_again_and_again_has_to_wait() {
    let mesh = limits(|it| it.refusals = NonZeroU32::new(2));
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    for _ in 0..3 {
        assert_eq!(mesh.call(ADMIN, &ann).await.reason(), "SCOPE_MISSING");
    }
    assert_eq!(wait(&mesh.call(READ, &ann).await), Duration::from_secs(30));
    assert_eq!(
        mesh.call(READ, &mesh.user_token()).await.reason(),
        "TOO_MANY",
        "another token of hers"
    );
    assert_eq!(mesh.call(READ, &bob).await.reason(), "OK");
    mesh.clock.advance(Duration::from_secs(30));
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
}

#[tokio::test]
async fn a_caller_keeps_the_pace_where_one_is_set() {
    let mesh = limits(|it| it.calls = NonZeroU32::new(60));
    let (ann, bob) = (mesh.user_token(), mesh.mint("users", &user("bob")));
    for _ in 0..60 {
        assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
    }
    assert_eq!(wait(&mesh.call(READ, &ann).await), Duration::from_secs(1));
    assert_eq!(mesh.call(READ, &bob).await.reason(), "OK");
    mesh.clock.advance(Duration::from_secs(1));
    assert_eq!(mesh.call(READ, &ann).await.reason(), "OK");
}
