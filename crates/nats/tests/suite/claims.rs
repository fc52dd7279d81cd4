//! A token that is good for one call makes one call, whichever process it goes to.

use std::time::Duration;

use futures_util::future::join_all;
use hallpass_nats::SharedClaims;
use hallpass_revocation::{Claim, ClaimStore as _};
use hallpass_token::{SKEW, UnixTime};

use crate::node::print;
use crate::server::Server;

/// Far enough ahead that the bucket is older than every token of these tests.
fn later() -> UnixTime {
    hallpass_guard::Clock::system().now().plus(Duration::from_hours(1))
}

fn claim(thing: u64, decision: u128) -> Claim {
    let issued_at = later();
    let expires_at = issued_at.plus(Duration::from_mins(2));
    Claim { token: print(thing), issued_at, expires_at, decision }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_that_claim_at_once_exactly_one_wins() {
    let Some(server) = Server::start().await else { return };
    let both = [server.mesh().await, server.mesh().await].map(SharedClaims::new);
    for thing in 0..50 {
        let race = (0..8_u128).map(|decision| {
            let process = &both[usize::from(decision % 2 == 1)];
            process.claim(claim(thing, decision), later())
        });
        let won = join_all(race).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
        assert_eq!(won, 1, "token {thing}");
        assert!(both[1].is_claimed(print(thing)).await.unwrap());
    }
    assert!(!both[0].is_claimed(print(1_000)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_knows_itself_again_and_survives_the_server() {
    let Some(mut server) = Server::start().await else { return };
    let claims = SharedClaims::new(server.mesh().await);
    assert!(claims.claim(claim(1, 7), later()).await.unwrap());
    server.kill();
    claims.claim(claim(2, 8), later()).await.unwrap_err();
    server.run().await;
    crate::server::until("the server answers", async || claims.is_claimed(print(1)).await.is_ok())
        .await;
    assert!(claims.claim(claim(1, 7), later()).await.unwrap(), "its own decision");
    assert!(!claims.claim(claim(1, 9), later()).await.unwrap(), "another one's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_gives_nobody_a_token_that_is_older_than_itself() {
    let Some(server) = Server::start().await else { return };
    let claims = SharedClaims::new(server.mesh().await);
    assert!(claims.claim(claim(1, 7), later()).await.unwrap());
    server.operator().await.delete_stream("KV_hallpass-claims").await.unwrap();
    let now = hallpass_guard::Clock::system().now();
    let old = Claim { issued_at: now, ..claim(1, 9) };
    assert!(!claims.claim(old, now).await.unwrap(), "it may be spent");
    let young = Claim { issued_at: now.plus(2 * SKEW), ..claim(2, 9) };
    assert!(claims.claim(young, now).await.unwrap());
}

/// The server has dropped the first claim by then; a Platform whose clock was set back would take the token for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_by_the_servers_clock_is_given_to_nobody() {
    let Some(server) = Server::start().await else { return };
    let claims = SharedClaims::new(server.mesh().await);
    let right = hallpass_guard::Clock::system().now();
    // The bucket must be older than the token, so the token ends before it begins.
    let ended = Claim { expires_at: right.minus(SKEW), ..claim(1, 7) };
    assert!(!claims.claim(ended, right.minus(Duration::from_hours(1))).await.unwrap());
    let valid = Claim { expires_at: right.plus(SKEW), ..claim(2, 7) };
    assert!(claims.claim(valid, right.minus(Duration::from_hours(1))).await.unwrap());
}
