//! A node that follows an issuer's list over a real connection: fresh while it can know, stale when it cannot, fresh again by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::{Attach, AttachLayer, Clock, Following};
use hallpass_revocation::feed::Timing;
use hallpass_revocation::{Entry, Freshness, List, Note};
use hallpass_token::Fingerprint;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tower::Layer as _;

use crate::fixture::{Mesh, NOW, STALENESS, soon, until};
use crate::issuer::{Issuer, open_list};
use crate::rules::rule;

const ANY: &str = "127.0.0.1:0";

/// A node that follows, on a clock of its own.
struct Node {
    list: Arc<List>,
    freshness: Freshness,
    clock: Clock,
    shutdown: CancellationToken,
}

impl Node {
    /// `clock` is for freshness; tokens are minted by the mesh's.
    fn follow(mesh: &Mesh, list: Arc<List>, issuer: SocketAddr, clock: &Clock) -> Self {
        let attach = Attach::new("labeler", mesh.keys.clone(), mesh.clock.clone(), rule).unwrap();
        let channel = Channel::from_shared(format!("http://{issuer}")).unwrap().connect_lazy();
        let freshness = Freshness::follower(STALENESS);
        let following = Following {
            issuer: AttachLayer::new(attach).layer(channel),
            list: Arc::clone(&list),
            freshness: freshness.clone(),
            clock: clock.clone(),
            timing: Timing::within(STALENESS),
        };
        let shutdown = CancellationToken::new();
        tokio::spawn(following.run(shutdown.clone()));
        Self { list, freshness, clock: clock.clone(), shutdown }
    }

    /// Waits until the node is fresh, or no more.
    async fn turns(&self, fresh: bool) {
        until(|| self.freshness.is_fresh(self.clock.boot()) == fresh).await;
    }

    async fn learns(&self, print: Fingerprint) {
        until(|| self.list.index().contains(print)).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn revoke(list: &List, sid: &str) -> Fingerprint {
    let print = Fingerprint::session(sid);
    let note = Note { reason: String::new(), by: "test".to_owned(), at: NOW };
    list.revoke(Entry::exact(print, None), note).await.unwrap();
    print
}

#[tokio::test]
async fn a_follower_learns_what_was_and_what_is_revoked() {
    let (mesh, folder) = (Mesh::start(), tempfile::tempdir().unwrap());
    let list = open_list(&folder.path().join("issuer"), 1);
    let before = ["a", "b", "c"];
    for sid in before {
        revoke(&list, sid).await;
    }
    let issuer = Issuer::start(&mesh, Arc::clone(&list), ANY.parse().unwrap()).await;
    let own = open_list(&folder.path().join("follower"), 2);
    let node = Node::follow(&mesh, own, issuer.address, &Clock::system());
    node.turns(true).await;
    assert!(before.iter().all(|sid| node.list.index().contains(Fingerprint::session(sid))));

    let after = revoke(&list, "d").await;
    node.learns(after).await;
    let durable = node.list.position().map(|at| (at.epoch, at.sequence));
    assert_eq!(durable, Some((list.epoch(), 4)));
}

#[tokio::test]
async fn a_follower_turns_stale_without_its_issuer_and_recovers_by_itself() {
    let (mesh, folder) = (Mesh::start(), tempfile::tempdir().unwrap());
    let list = open_list(&folder.path().join("issuer"), 1);
    let issuer = Issuer::start(&mesh, list, ANY.parse().unwrap()).await;
    let own = open_list(&folder.path().join("follower"), 2);
    let address = issuer.address;
    let node = Node::follow(&mesh, own, address, &Clock::system());
    node.turns(true).await;

    let list = issuer.stop();
    node.turns(false).await;
    let missed = revoke(&list, "missed").await;
    assert!(!node.list.index().contains(missed));

    let _issuer = Issuer::start(&mesh, list, address).await;
    node.turns(true).await;
    assert!(node.list.index().contains(missed), "fresh without the entry");
}

#[tokio::test]
async fn a_follower_that_starts_first_is_stale_until_its_issuer_answers() {
    let (mesh, folder) = (Mesh::start(), tempfile::tempdir().unwrap());
    let taken = tokio::net::TcpListener::bind(ANY).await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let own = open_list(&folder.path().join("follower"), 2);
    let node = Node::follow(&mesh, own, address, &Clock::system());
    assert!(!node.freshness.is_fresh(node.clock.boot()));
    let list = open_list(&folder.path().join("issuer"), 1);
    let _issuer = Issuer::start(&mesh, list, address).await;
    node.turns(true).await;
}

#[tokio::test]
async fn the_connection_is_made_anew_before_its_token_ends() {
    let (mesh, folder) = (Mesh::start(), tempfile::tempdir().unwrap());
    let list = open_list(&folder.path().join("issuer"), 1);
    let mut issuer = Issuer::start(&mesh, list, ANY.parse().unwrap()).await;
    let own = open_list(&folder.path().join("follower"), 2);
    let node = Node::follow(&mesh, own, issuer.address, &mesh.clock);
    let first = soon(issuer.opened()).await;
    node.turns(true).await;
    // The wall clock alone: by the other one the issuer would be silent, which makes a new connection, too.
    mesh.clock.step(Duration::from_hours(1).checked_sub(Duration::from_secs(40)).unwrap());
    let second = soon(issuer.opened()).await;
    assert_ne!(first, second);
    assert!(node.freshness.is_fresh(node.clock.boot()));
}

#[tokio::test]
async fn a_follower_stays_fresh_for_as_long_as_its_issuer_answers() {
    let (mesh, folder) = (Mesh::start(), tempfile::tempdir().unwrap());
    let list = open_list(&folder.path().join("issuer"), 1);
    let mut issuer = Issuer::start(&mesh, list, ANY.parse().unwrap()).await;
    let own = open_list(&folder.path().join("follower"), 2);
    let node = Node::follow(&mesh, own, issuer.address, &mesh.clock);
    soon(issuer.opened()).await;
    for _ in 0..20 {
        until(|| node.freshness.age(node.clock.boot()) == Some(Duration::ZERO)).await;
        mesh.clock.advance(STALENESS / 8);
        assert!(node.freshness.is_fresh(node.clock.boot()));
    }
}
