//! The cache of verified tokens: it saves the verification and changes no decision.

use std::time::Duration;

use hallpass_token::{Fingerprint, KeyState, SKEW};

use crate::fixture::{ISSUER, Mesh, user, with};

const READ: &str = "/t.Platform/Read";

#[tokio::test]
async fn a_token_is_verified_once() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    for _ in 0..3 {
        assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    }
    assert_eq!(mesh.guard.counts().verifications, 1);
}

#[tokio::test]
async fn what_was_refused_is_verified_again() {
    let mesh = Mesh::start();
    for _ in 0..3 {
        assert_eq!(mesh.call(READ, "abc").await.reason(), "TOKEN_INVALID");
    }
    assert_eq!(mesh.guard.counts().verifications, 3);
}

#[tokio::test]
async fn a_revocation_counts_from_the_next_call_on() {
    let mesh = Mesh::start();
    let new = with(user("ann"), |new| new.session = Some("s-1".to_owned()));
    for revoked in [Fingerprint::token(ISSUER, "another"), Fingerprint::session("s-1")] {
        let token = mesh.mint("users", &new);
        assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
        mesh.revoke(revoked);
        let expected = if revoked == Fingerprint::session("s-1") { "TOKEN_REVOKED" } else { "OK" };
        assert_eq!(mesh.call(READ, &token).await.reason(), expected);
    }
}

#[tokio::test]
async fn a_new_ring_counts_from_the_next_call_on() {
    let mesh = Mesh::start();
    let token = mesh.user_token();
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.reload_with("users", KeyState::Retired);
    assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_INVALID");
    mesh.keys.reload(hallpass_token::KeyRing::new(mesh.all.clone()).unwrap());
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
}

#[tokio::test]
async fn an_expired_token_is_refused_and_forgotten() {
    let mesh = Mesh::start();
    let life = Duration::from_mins(1);
    let token = mesh.mint("users", &with(user("ann"), |new| new.life = Some(life)));
    assert_eq!(mesh.call(READ, &token).await.reason(), "OK");
    mesh.clock.advance(life + SKEW);
    for _ in 0..2 {
        assert_eq!(mesh.call(READ, &token).await.reason(), "TOKEN_EXPIRED");
    }
    // The first refusal dropped it, so the second had to verify.
    assert_eq!(mesh.guard.counts().verifications, 2);
}
