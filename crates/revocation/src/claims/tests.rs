#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn claim(token: u8, decision: u128) -> Claim {
    Claim {
        token: Fingerprint::from_bytes([token; 16]),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_mins(2)),
        decision,
    }
}

async fn open(folder: &TempDir, now: UnixTime) -> Claims {
    Claims::open(&folder.path().join("claims"), &Options::new([7; 8], now)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_at_once_exactly_one_has_the_token() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    for token in 0..20 {
        let mut calls = JoinSet::new();
        for decision in 0..32 {
            let claims = claims.clone();
            calls.spawn(async move { claims.claim(claim(token, decision), NOW).await.unwrap() });
        }
        let won = calls.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "token {token}");
    }
}

#[tokio::test]
async fn a_claim_knows_itself_again_and_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap(), "the same call");
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    drop(claims);
    let claims = open(&folder, NOW.plus(Duration::from_secs(9))).await;
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    assert!(
        claims.claim(claim(2, 6), NOW).await.unwrap(),
        "the store is the same, so is its beginning"
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_claim_half_made() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    let mut first = Box::pin(claims.claim(claim(1, 5), NOW));
    let begun =
        std::future::poll_fn(|cx| std::task::Poll::Ready(first.as_mut().poll(cx).is_pending()));
    assert!(begun.await);
    drop(first);
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
}

#[tokio::test]
async fn a_claim_outlives_its_token_by_twice_the_skew() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    let end = NOW.plus(Duration::from_mins(2) + SKEW + SKEW);
    assert_eq!(claims.sweep(end.minus(Duration::from_secs(1))).await.unwrap(), 0);
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    assert_eq!(claims.sweep(end).await.unwrap(), 1);
}

/// A wall clock that is set back says that the token has not ended yet.
#[tokio::test]
async fn a_claim_that_was_dropped_is_not_made_again_by_a_clock_set_back() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    let end = NOW.plus(Duration::from_mins(2) + SKEW + SKEW);
    assert_eq!(claims.sweep(end).await.unwrap(), 1);
    assert_eq!(claims.index().forgotten_upto(), end);
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    drop(claims);
    let claims = open(&folder, NOW).await;
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap(), "after a restart");
    let later = Claim { expires_at: NOW.plus(Duration::from_mins(5)), ..claim(2, 6) };
    assert!(claims.claim(later, NOW).await.unwrap());
}

/// Whether the first claim came to the disk is known once the store is open again.
#[tokio::test]
async fn a_claim_that_could_not_be_written_can_be_made_when_the_disk_is_well() {
    let folder = TempDir::new().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let (mut options, fails) = (Options::new([7; 8], NOW), Arc::clone(&broken));
    options.set_sync(move || {
        if fails.load(Ordering::SeqCst) { Err(std::io::Error::other("full")) } else { Ok(()) }
    });
    let claims = Claims::open(&folder.path().join("claims"), &options).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    claims.claim(claim(1, 5), NOW).await.unwrap_err();
    broken.store(false, Ordering::SeqCst);
    let well = async {
        while claims.healthy().is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), well).await.unwrap();
    // Its own decision has it, whether the first try came to the disk or this one does; another one's never has it as well.
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    assert!(!claims.claim(claim(1, 6), NOW).await.unwrap());
    assert!(claims.claim(claim(2, 6), NOW).await.unwrap());
}

/// What was spent in a store that is gone cannot be known, so nobody gets a token from before the new one.
#[tokio::test]
async fn a_lost_store_gives_nobody_an_older_token() {
    let folder = TempDir::new().unwrap();
    let claims = open(&folder, NOW).await;
    assert!(claims.claim(claim(1, 5), NOW).await.unwrap());
    drop(claims);
    std::fs::remove_dir_all(folder.path().join("claims")).unwrap();
    let later = NOW.plus(Duration::from_secs(9));
    for _ in 0..2 {
        let claims = open(&folder, later).await;
        assert!(!claims.claim(claim(1, 6), later).await.unwrap());
        assert!(!claims.claim(claim(2, 6), later).await.unwrap());
        let young = Claim { issued_at: later, ..claim(3, 6) };
        assert!(claims.claim(young, later).await.unwrap());
    }
}

#[tokio::test]
async fn two_stores_never_own_the_same_claims() {
    let folder = TempDir::new().unwrap();
    let _claims = open(&folder, NOW).await;
    let second = Claims::open(&folder.path().join("claims"), &Options::new([8; 8], NOW)).await;
    assert!(matches!(second, Err(ClaimsError::Open(OpenError::InUse(_)))));
}
