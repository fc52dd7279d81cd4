//! Processes of the mesh, without their services: nodes that follow, and issuers that carry as well.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::Clock;
use hallpass_nats::{Carrying, Following, Mesh};
use hallpass_revocation::{Entry, Freshness, List, Note, Options};
use hallpass_token::{Fingerprint, UnixTime};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::server::until;

pub(crate) const STALENESS: Duration = Duration::from_secs(2);

/// One node. It stops with this value.
pub(crate) struct Node {
    pub(crate) list: Arc<List>,
    freshness: Freshness,
    clock: Clock,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// A node that follows, with its list in a folder; it knows a new stream once `issuers` have spoken.
    pub(crate) fn follow(folder: &Path, mesh: Mesh, issuers: &[&str]) -> Self {
        let clock = Clock::system();
        let epoch = folder
            .to_string_lossy()
            .bytes()
            .fold(7_u64, |epoch, byte| epoch.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let options = Options::new(epoch.to_be_bytes(), clock.now());
        std::fs::create_dir_all(folder).unwrap();
        let list = Arc::new(List::open(folder, &options).unwrap());
        let freshness = Freshness::follower(STALENESS);
        let issuers = issuers.iter().map(|&issuer| issuer.to_owned());
        let (of, fresh) = (Arc::clone(&list), freshness.clone());
        let following = Following::new(mesh, of, fresh, clock.clone(), issuers).unwrap();
        let stop = CancellationToken::new();
        let tasks = vec![tokio::spawn(following.run(stop.clone()))];
        Self { list, freshness, clock, stop, tasks }
    }

    /// An issuer: it follows and carries.
    pub(crate) fn issue(folder: &Path, mesh: Mesh, name: &str, issuers: &[&str]) -> Self {
        let mut node = Self::follow(folder, mesh.clone(), issuers);
        let (list, clock) = (Arc::clone(&node.list), node.clock.clone());
        let carrying = Carrying::new(mesh, list, clock, name.to_owned()).unwrap();
        node.tasks.push(tokio::spawn(carrying.run(node.stop.clone())));
        node
    }

    pub(crate) fn is_fresh(&self) -> bool {
        self.freshness.is_fresh(self.clock.boot())
    }

    pub(crate) fn has(&self, thing: u64) -> bool {
        self.list.index().contains(print(thing))
    }

    /// Revokes until it is acknowledged.
    pub(crate) async fn revoke(&self, thing: u64) {
        until("the revocation is acknowledged", async || self.try_revoke(thing, None).await).await;
    }

    /// Revokes once; whether it was acknowledged.
    pub(crate) async fn try_revoke(&self, thing: u64, until: Option<UnixTime>) -> bool {
        let note = Note { reason: "test".to_owned(), by: "test".to_owned(), at: self.clock.now() };
        self.list.revoke(Entry::exact(print(thing), until), note).await.is_ok()
    }

    pub(crate) async fn until_fresh(&self) {
        until("the node is fresh", async || self.is_fresh()).await;
    }

    pub(crate) async fn until_it_has(&self, things: impl IntoIterator<Item = u64>) {
        for thing in things {
            until(&format!("the node has {thing}"), async || self.has(thing)).await;
        }
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Stops it, and waits until its folder is free.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.await.unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn print(thing: u64) -> Fingerprint {
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&thing.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}
