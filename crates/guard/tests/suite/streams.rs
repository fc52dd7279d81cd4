//! Open streams end with their token: revoked, expired, signed by a key that is gone, or on a node that cannot know.

use std::time::Duration;

use hallpass_revocation::Freshness;
use hallpass_token::{KeyState, SKEW};
use tokio::sync::mpsc;
use tonic::{Code, Streaming};

use crate::fixture::{Mesh, STALENESS, reason, soon, until, user, with};
use crate::streams_server::StreamingMesh;

const DOWN: &str = "/t.Streams/Down";

/// Reads a stream to its end, which has to be a refusal.
async fn ending(mut stream: Streaming<String>) -> tonic::Status {
    soon(async move {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended well"),
                Err(status) => return status,
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_server_stream_ends_when_its_token_is_revoked() {
    let mut streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    let (_sender, sending) = mpsc::unbounded_channel();
    let mut stream = streaming.open(DOWN, &token, sending).await.unwrap();
    assert!(soon(stream.message()).await.unwrap().is_some());
    assert_eq!(streaming.mesh.guard.counts().streams, 1);

    streaming.mesh.revoke(print);
    let status = ending(stream).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_REVOKED"));
    assert_eq!(streaming.told().await, "dropped");
    assert_eq!(streaming.mesh.guard.counts().streams, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_cannot_hold_the_handler() {
    let mut streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    let (_sender, sending) = mpsc::unbounded_channel();
    let unread = streaming.open(DOWN, &token, sending).await.unwrap();
    streaming.mesh.revoke(print);
    assert_eq!(streaming.told().await, "dropped");
    drop(unread);
}

#[tokio::test]
async fn a_client_stream_ends_before_its_handler_answers() {
    // One handler waits for the next message, the other does not even read.
    for message in ["read on", "stay"] {
        let mut streaming = StreamingMesh::start(Mesh::start()).await;
        let (token, print) = streaming.mesh.revocable();
        let (sender, sending) = mpsc::unbounded_channel();
        sender.send(message.to_owned()).unwrap();
        let (opened, ()) = tokio::join!(streaming.open("/t.Streams/Up", &token, sending), async {
            until(|| streaming.mesh.guard.counts().streams == 1).await;
            streaming.mesh.revoke(print);
        });
        assert_eq!(reason(&opened.unwrap_err()), "TOKEN_REVOKED");
        assert_eq!(streaming.told().await, "dropped");
    }
}

#[tokio::test]
async fn both_sides_of_a_stream_learn_that_it_is_over() {
    let mut streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    let (sender, sending) = mpsc::unbounded_channel();
    let mut stream = streaming.open("/t.Streams/Both", &token, sending).await.unwrap();
    sender.send("echo".to_owned()).unwrap();
    assert_eq!(soon(stream.message()).await.unwrap().as_deref(), Some("echo"));
    streaming.mesh.revoke(print);
    assert_eq!(reason(&ending(stream).await), "TOKEN_REVOKED");
    assert_eq!(streaming.told().await, "read failed: Unauthenticated");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let life = Duration::from_mins(5);
    let token = streaming.mesh.mint("users", &with(user("ann"), |new| new.life = Some(life)));
    let (_sender, sending) = mpsc::unbounded_channel();
    let mut stream = streaming.open(DOWN, &token, sending).await.unwrap();
    streaming.mesh.clock.advance(life + SKEW.checked_sub(Duration::from_secs(1)).unwrap());
    assert!(soon(stream.message()).await.unwrap().is_some());
    streaming.mesh.clock.advance(Duration::from_secs(1));
    assert_eq!(reason(&ending(stream).await), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_gone() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let token = streaming.mesh.user_token();
    let (_sender, sending) = mpsc::unbounded_channel();
    let stream = streaming.open(DOWN, &token, sending).await.unwrap();
    streaming.mesh.reload_with("users", KeyState::Retired);
    assert_eq!(reason(&ending(stream).await), "TOKEN_INVALID");
}

/// A name that means another key now says nothing for the stream; other keys' entries do not matter to it.
#[tokio::test]
async fn a_stream_ends_when_its_keys_entry_is_another() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let token = streaming.mesh.user_token();
    let (_sender, sending) = mpsc::unbounded_channel();
    let mut stream = streaming.open(DOWN, &token, sending).await.unwrap();
    streaming.mesh.reload_with("labeler-1", KeyState::Active);
    for _ in 0..100 {
        assert!(soon(stream.message()).await.unwrap().is_some());
    }
    streaming.mesh.reload_with("users", KeyState::Active);
    assert_eq!(reason(&ending(stream).await), "TOKEN_INVALID");
}

#[tokio::test]
async fn a_stale_node_ends_the_streams_that_it_cannot_vouch_for() {
    let streaming = StreamingMesh::start(Mesh::with(Freshness::follower(STALENESS))).await;
    let mesh = &streaming.mesh;
    mesh.freshness.proven_at(mesh.clock.boot());
    let token = mesh.user_token();
    let (_sender, sending) = mpsc::unbounded_channel();
    let (_other, unsent) = mpsc::unbounded_channel();
    let stream = streaming.open(DOWN, &token, sending).await.unwrap();
    let mut feed = streaming.open("/t.Streams/Feed", &token, unsent).await.unwrap();
    mesh.clock.advance(STALENESS);
    let status = ending(stream).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "LIST_STALE"));
    // More than may have been under way before.
    for _ in 0..100 {
        assert!(soon(feed.message()).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_revoked_token_opens_no_stream() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, print) = streaming.mesh.revocable();
    streaming.mesh.revoke(print);
    let (_sender, sending) = mpsc::unbounded_channel();
    let refused = streaming.open(DOWN, &token, sending).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_REVOKED");
    assert_eq!(streaming.mesh.guard.counts().streams, 0);
}

#[tokio::test]
async fn a_revocation_of_another_token_ends_nothing() {
    let streaming = StreamingMesh::start(Mesh::start()).await;
    let (token, _) = streaming.mesh.revocable();
    let (_, other) = streaming.mesh.revocable();
    let (_sender, sending) = mpsc::unbounded_channel();
    let mut stream = streaming.open(DOWN, &token, sending).await.unwrap();
    streaming.mesh.revoke(other);
    for _ in 0..100 {
        assert!(soon(stream.message()).await.unwrap().is_some());
    }
}

#[test]
fn no_stream_opens_that_nothing_watches_over() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gone = runtime();
    let mesh = gone.block_on(async { Mesh::start() });
    drop(gone);
    runtime().block_on(async {
        let token = mesh.user_token();
        assert_eq!(mesh.call(DOWN, &token).await.reason(), "CANNOT_DECIDE");
        assert_eq!(mesh.call("/t.Platform/Read", &token).await.reason(), "OK");
    });
    assert_eq!(mesh.guard.counts().streams, 0);
}
