//! What is revoked at one issuer is revoked everywhere, for as long as it must be.

use hallpass_token::UnixTime;

use crate::node::Node;
use crate::server::{Server, until};

const BOTH: [&str; 2] = ["platform-a", "platform-b"];

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_two_issuers_revokes_reaches_every_node() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let a = Node::issue(&at("a"), server.mesh().await, "platform-a", &BOTH);
    let early = Node::follow(&at("early"), server.mesh().await, &BOTH);
    until("the first issuer carries", async || a.try_revoke(1, None).await).await;
    assert!(!early.is_fresh() && !a.is_fresh(), "the second issuer has not spoken yet");
    let b = Node::issue(&at("b"), server.mesh().await, "platform-b", &BOTH);
    b.revoke(2).await;
    let late = Node::follow(&at("late"), server.mesh().await, &BOTH);
    for node in [&a, &b, &early, &late] {
        node.until_it_has([1, 2]).await;
        node.until_fresh().await;
    }
    a.revoke(3).await;
    b.revoke(4).await;
    for node in [&a, &b, &early, &late] {
        node.until_it_has([3, 4]).await;
    }
    // What came from the other one is not carried again.
    let messages = server.operator().await.get_stream("hallpass-revocations").await.unwrap();
    let entries = messages.cached_info().state.last_sequence;
    assert!(entries <= 4 + 2 * 2, "{entries} messages for 4 entries and two issuers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_reads_on_where_it_was_and_keeps_what_it_had() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    let node = Node::follow(&folder.path().join("n"), server.mesh().await, &["p"]);
    node.until_fresh().await;
    let stood = node.list.position().unwrap();
    node.stop().await;
    issuer.revoke(2).await;
    let node = Node::follow(&folder.path().join("n"), server.mesh().await, &["another"]);
    assert!(node.has(1), "what it had before it reached the server");
    node.until_it_has([2]).await;
    // It knows the stream already: no issuer has to speak again.
    node.until_fresh().await;
    let stands = node.list.position().unwrap();
    assert!(stands.epoch == stood.epoch && stands.sequence > stood.sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_starts_again_carries_only_what_is_new() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = async || Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    let issuer = open().await;
    for thing in 0..50 {
        issuer.revoke(thing).await;
    }
    issuer.stop().await;
    let count = async || {
        let stream = server.operator().await.get_stream("hallpass-revocations").await.unwrap();
        stream.cached_info().state.messages
    };
    let before = count().await;
    let issuer = open().await;
    issuer.revoke(100).await;
    // The same entry takes its own place, so that none is there twice.
    assert_eq!(count().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_ends_on_the_server_by_itself_and_a_new_node_is_fresh_all_the_same() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    // The server keeps an entry for an hour longer than it lasts, because the issuer's clock may be ahead.
    let soon = UnixTime::from_secs(issuer.now().as_secs() - 60 * 60 + 2);
    for thing in 10..20 {
        assert!(issuer.try_revoke(thing, Some(soon)).await);
    }
    let operator = server.operator().await;
    until("the entries have ended", async || {
        let stream = operator.get_stream("hallpass-revocations").await.unwrap();
        let state = &stream.cached_info().state;
        state.messages < 5 && state.last_sequence > 10
    })
    .await;
    let late = Node::follow(&folder.path().join("late"), server.mesh().await, &["p"]);
    late.until_fresh().await;
    assert!(late.has(1) && !late.has(10), "what has ended need not be known");
    assert!(issuer.has(10), "who had it keeps it until its own sweep");
}
