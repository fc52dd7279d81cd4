//! The feed through the faults of the server and of the network.

use async_nats::jetstream::stream::{Config, PersistenceMode};
use hallpass_nats::check;

use crate::node::Node;
use crate::proxy::Proxy;
use crate::server::{Server, mesh_at, until};

const STREAM: &str = "hallpass-revocations";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_again_and_again_loses_nothing() {
    let Some(mut server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    let node = Node::follow(&folder.path().join("n"), server.mesh().await, &["p"]);
    issuer.revoke(0).await;
    let mut acknowledged = vec![0];
    for round in 1..=5_u64 {
        let things = (round * 1_000)..(round * 1_000 + 20);
        let killed = async {
            until("some are acknowledged", async || issuer.list.sequence() > round * 5).await;
            server.kill();
            server.run().await;
        };
        let revoked = async {
            for thing in things.clone() {
                issuer.revoke(thing).await;
            }
        };
        tokio::join!(killed, revoked);
        acknowledged.extend(things);
    }
    node.until_it_has(acknowledged.iter().copied()).await;
    node.until_fresh().await;
    let late = Node::follow(&folder.path().join("late"), server.mesh().await, &["p"]);
    late.until_fresh().await;
    assert!(acknowledged.iter().all(|thing| late.has(*thing)), "the stream itself has lost some");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_nothing_is_acknowledged_and_every_node_turns_stale() {
    let Some(mut server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    let node = Node::follow(&folder.path().join("n"), server.mesh().await, &["p"]);
    issuer.revoke(1).await;
    node.until_fresh().await;
    server.kill();
    assert!(!issuer.try_revoke(2, None).await, "nobody else can know of it");
    assert!(issuer.has(2), "here it is in force");
    until("both are stale", async || !node.is_fresh() && !issuer.is_fresh()).await;
    server.run().await;
    node.until_it_has([2]).await;
    node.until_fresh().await;
    issuer.until_fresh().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_turns_stale_and_comes_back() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::before(server.port()).await;
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    let cut = Node::follow(&folder.path().join("n"), mesh_at(proxy.port(), None).await, &["p"]);
    issuer.revoke(1).await;
    cut.until_fresh().await;
    // What is sent is swallowed, and nothing is closed: the worst of cuts.
    proxy.cut();
    issuer.revoke(2).await;
    until("the node is stale", async || !cut.is_fresh()).await;
    assert!(!cut.has(2) && issuer.is_fresh());
    proxy.mend();
    cut.until_fresh().await;
    assert!(cut.has(2), "fresh before it had what it missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_stream_is_filled_again_and_nothing_is_forgiven() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let a = Node::issue(&at("a"), server.mesh().await, "a", &["a", "b"]);
    let b = Node::issue(&at("b"), server.mesh().await, "b", &["a", "b"]);
    let node = Node::follow(&at("n"), server.mesh().await, &["a", "b"]);
    for thing in 0..300 {
        assert!(a.try_revoke(thing, None).await || thing == 0);
    }
    a.revoke(0).await;
    b.revoke(1_000).await;
    node.until_it_has([0, 299, 1_000]).await;
    node.until_fresh().await;
    let before = node.list.position().unwrap().epoch;
    server.operator().await.delete_stream(STREAM).await.unwrap();
    // A node that knew nothing finds all of it in the new stream.
    let late = Node::follow(&at("late"), server.mesh().await, &["a", "b"]);
    late.until_fresh().await;
    assert!((0..300).chain([1_000]).all(|thing| late.has(thing)), "something was lost");
    until("the node follows the new stream", async || {
        node.list.position().is_some_and(|at| at.epoch != before)
    })
    .await;
    node.until_fresh().await;
    assert!((0..300).chain([1_000]).all(|thing| node.has(thing)), "something was forgiven");
    b.revoke(2_000).await;
    node.until_it_has([2_000]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_an_operator_makes_anew_is_filled_though_it_was_never_away() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    issuer.until_fresh().await;
    let operator = server.operator().await;
    let config = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    operator.delete_stream(STREAM).await.unwrap();
    operator.create_stream(config).await.unwrap();
    let late = Node::follow(&folder.path().join("late"), server.mesh().await, &["p"]);
    late.until_fresh().await;
    assert!(late.has(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_stream_counts_only_once_every_issuer_has_spoken() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let a = Node::issue(&at("a"), server.mesh().await, "a", &["a", "b"]);
    let b = Node::issue(&at("b"), server.mesh().await, "b", &["a", "b"]);
    b.revoke(1).await;
    a.until_it_has([1]).await;
    b.stop().await;
    server.operator().await.delete_stream(STREAM).await.unwrap();
    a.revoke(2).await;
    let late = Node::follow(&at("late"), server.mesh().await, &["a", "b"]);
    // `a` carries what it had from `b`, but only `b` can say that this was all.
    late.until_it_has([1, 2]).await;
    assert!(!late.is_fresh());
    let b = Node::issue(&at("b"), server.mesh().await, "b", &["a", "b"]);
    late.until_fresh().await;
    b.until_fresh().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_refuses_and_drops_nothing() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(0).await;
    let operator = server.operator().await;
    let mut config = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    config.max_bytes = 4_000;
    operator.update_stream(config.clone()).await.unwrap();
    let mut acknowledged = vec![0];
    for thing in 1..1_000 {
        if !issuer.try_revoke(thing, None).await {
            break;
        }
        acknowledged.push(thing);
    }
    assert!(acknowledged.len() < 100, "a stream of 4,000 bytes took {}", acknowledged.len());
    let late = Node::follow(&folder.path().join("late"), server.mesh().await, &["p"]);
    late.until_it_has(acknowledged.iter().copied()).await;
    // With room again, what waited goes out.
    operator.update_stream(Config { max_bytes: -1, ..config }).await.unwrap();
    let waited = acknowledged.len() as u64;
    late.until_it_has([waited]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_could_forget_is_not_followed() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    issuer.until_fresh().await;
    let operator = server.operator().await;
    let mut config = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    config.max_messages = 1_000_000;
    operator.update_stream(config).await.unwrap();
    until("the issuer is stale", async || !issuer.is_fresh()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_issuer_wrote_makes_the_nodes_stale_not_wrong() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    issuer.until_fresh().await;
    let operator = server.operator().await;
    let sent = operator.publish("hallpass.revocations.entry.x", "garbage".into()).await.unwrap();
    sent.await.unwrap();
    until("the node is stale", async || !issuer.is_fresh()).await;
    assert!(issuer.has(1));
}

/// Such a stream says that it has what a crash takes from it, whatever the server's `sync_interval`.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_acknowledges_before_it_stores_is_refused_by_name() {
    let Some(server) = Server::start().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    issuer.revoke(1).await;
    issuer.stop().await;
    let mesh = server.mesh().await;
    check(&mesh, true).await.unwrap();

    let operator = server.operator().await;
    let config = operator.get_stream(STREAM).await.unwrap().cached_info().config.clone();
    operator.delete_stream(STREAM).await.unwrap();
    let hasty = Config { persist_mode: Some(PersistenceMode::Async), ..config };
    operator.create_stream(hasty).await.unwrap();
    let refused = check(&mesh, false).await.unwrap_err().to_string();
    assert!(refused.contains(STREAM) && refused.contains("persist_mode"), "{refused}");
    let issuer = Node::issue(&folder.path().join("i"), server.mesh().await, "p", &["p"]);
    assert!(!issuer.try_revoke(2, None).await, "nothing is carried into it");
    assert!(!issuer.is_fresh());
}
