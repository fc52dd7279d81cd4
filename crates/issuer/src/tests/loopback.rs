//! The whole way: a real follower, through a guard, to the issuer and back.

use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::rule;
use hallpass_guard::{
    Actions, Attach, AttachLayer, Attached, Following, Guard, GuardLayer, GuardSetup, Keys,
};
use hallpass_revocation::feed::Timing;
use hallpass_revocation::{Freshness, List, Options};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Server};
use tower::Layer;

use super::world::{ALICE, NOW, World};
use crate::Issuer;

#[tokio::test]
async fn a_revocation_reaches_a_follower_and_outlives_it() {
    let world = World::new();
    let (before, after) = (world.mint(&ALICE), world.mint(&ALICE));
    world.revoke(&before, "").await.unwrap();

    let folder = TempDir::new().unwrap();
    let list = Arc::new(open(&folder));
    let freshness = Freshness::follower(Duration::from_secs(2));
    assert!(!freshness.is_fresh(world.clock.boot()));
    let shutdown = CancellationToken::new();
    let following = tokio::spawn(
        Following {
            issuer: channel(&world).await,
            list: Arc::clone(&list),
            freshness: freshness.clone(),
            clock: world.clock.clone(),
            timing: Timing::within(Duration::from_secs(2)),
        }
        .run(shutdown.clone()),
    );

    arrived(&list, 1).await;
    assert!(list.index().contains(before.fingerprint()));
    world.revoke(&after, "").await.unwrap();
    // The clock stands still, so no second probe is sent: what arrives was pushed.
    arrived(&list, 2).await;
    assert!(list.index().contains(after.fingerprint()));
    while !freshness.is_fresh(world.clock.boot()) {
        tokio::task::yield_now().await;
    }

    shutdown.cancel();
    following.await.unwrap();
    drop(list);
    let list = open(&folder);
    assert!(list.index().contains(before.fingerprint()));
    assert_eq!(list.position().unwrap().epoch, world.list.epoch());
}

async fn arrived(list: &List, sequence: u64) {
    list.changes().wait_for(|at| *at >= sequence).await.unwrap();
}

fn open(folder: &TempDir) -> List {
    List::open(&folder.path().join("follower"), &Options::new([3; 8], NOW)).unwrap()
}

/// To the issuer, which begins to serve, with tokens of a worker.
async fn channel(world: &World) -> Attached<Channel> {
    let keys = Keys::new(world.signers.clone());
    let actions = Actions::new(None, world.clock.clone());
    let issuer = Issuer::new(
        Arc::clone(&world.list),
        keys.clone(),
        world.clock.clone(),
        Arc::clone(&actions),
    );
    let guard = Guard::start(GuardSetup {
        rules: rule,
        keys: keys.clone(),
        index: world.list.index(),
        changes: world.list.changes(),
        freshness: Freshness::always(),
        clock: world.clock.clone(),
        actions,
        sessions: None,
        node: 1,
        cache_bytes: GuardSetup::CACHE_BYTES,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder()
        .layer(GuardLayer::new(guard))
        .add_service(issuer.tokens().service)
        .add_service(issuer.revocations().service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let attach = Attach::new("platform", keys, world.clock.clone(), rule).unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    AttachLayer::new(attach).layer(channel)
}
