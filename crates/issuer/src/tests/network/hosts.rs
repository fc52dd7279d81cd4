//! The issuer and the nodes as hosts of the simulated network, and what must hold of them at every step.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hallpass_contract::rule;
use hallpass_guard::{
    Actions, Attach, AttachLayer, Clock, Following, Guard, GuardLayer, GuardSetup, Keys,
};
use hallpass_revocation::feed::Timing;
use hallpass_revocation::{Entry, Freshness, List, Note, Options};
use hallpass_token::Fingerprint;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tower::Layer as _;
use turmoil::Sim;

use super::wire;
use crate::Issuer;
use crate::tests::world::{NOW, World};

pub(super) const NODES: usize = 3;
pub(super) const BOUND: Duration = Duration::from_secs(2);
pub(super) const TICK: Duration = Duration::from_millis(10);

/// From one revocation to the next, in the simulation's time.
const REVOKE_EVERY: Duration = Duration::from_millis(70);

/// The lists' disks are real, and their time is not the simulation's: at each step it gets this much.
const DISK: Duration = Duration::from_micros(150);

/// Everything that the hosts and the test share. Clones share it.
#[derive(Clone)]
pub(super) struct Hosts(Arc<Shared>);

struct Shared {
    clock: Clock,
    keys: Keys,
    folder: TempDir,
    issuer: Mutex<Option<Arc<List>>>,
    nodes: [Mutex<Option<Node>>; NODES],
    acknowledged: Mutex<Vec<(Fingerprint, Duration)>>,
    revoking: CancellationToken,
}

/// A node that runs.
struct Node {
    list: Arc<List>,
    freshness: Freshness,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap()
}

fn print(number: usize) -> Fingerprint {
    Fingerprint::token("users.test", &number.to_string())
}

impl Hosts {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            clock: Clock::manual(NOW),
            keys: Keys::new(World::signers_alone()),
            folder: TempDir::new().unwrap(),
            issuer: Mutex::default(),
            nodes: Default::default(),
            acknowledged: Mutex::default(),
            revoking: CancellationToken::new(),
        }))
    }

    pub(super) fn join(&self, sim: &mut Sim<'_>) {
        let hosts = self.clone();
        sim.host("issuer", move || hosts.clone().issue());
        for number in 0..NODES {
            let hosts = self.clone();
            sim.host(format!("node-{number}"), move || hosts.clone().follow(number));
        }
    }

    /// The issuer's process: it serves, and revokes one thing after the other.
    async fn issue(self) -> turmoil::Result {
        let shared = &*self.0;
        let list = Arc::new(open(&shared.folder.path().join("issuer"), 7));
        *locked(&shared.issuer) = Some(Arc::clone(&list));
        let actions = Actions::new(None, shared.clock.clone());
        let (keys, clock) = (shared.keys.clone(), shared.clock.clone());
        let issuer =
            Issuer::new(Arc::clone(&list), keys.clone(), clock.clone(), Arc::clone(&actions));
        let guard = Guard::start(GuardSetup {
            rules: rule,
            keys,
            index: list.index(),
            changes: list.changes(),
            freshness: Freshness::always(),
            clock,
            actions,
            sessions: None,
            node: 1,
            cache_bytes: GuardSetup::CACHE_BYTES,
        });
        let server = Server::builder()
            .layer(GuardLayer::new(guard))
            .add_service(issuer.tokens().service)
            .add_service(issuer.revocations().service);
        tokio::select! {
            ended = server.serve_with_incoming(wire::listen().await?) => Ok(ended?),
            () = self.revoke(list) => unreachable!("it revokes for ever"),
        }
    }

    async fn revoke(&self, list: Arc<List>) {
        let mut number = locked(&self.0.acknowledged).len();
        loop {
            tokio::time::sleep(REVOKE_EVERY).await;
            if self.0.revoking.is_cancelled() {
                std::future::pending::<()>().await;
            }
            // One that was not acknowledged before a crash is tried again: it may be there.
            let note = Note { reason: String::new(), by: String::new(), at: self.0.clock.now() };
            if list.revoke(Entry::exact(print(number), None), note).await.is_ok() {
                locked(&self.0.acknowledged).push((print(number), self.0.clock.boot()));
                number += 1;
            }
        }
    }

    /// A node's process.
    async fn follow(self, number: usize) -> turmoil::Result {
        let shared = &*self.0;
        let folder = shared.folder.path().join(format!("node-{number}"));
        let list = Arc::new(open(&folder, 11 + u8::try_from(number)?));
        let freshness = Freshness::follower(BOUND);
        let node = Node { list: Arc::clone(&list), freshness: freshness.clone() };
        *locked(&shared.nodes[number]) = Some(node);
        let (keys, clock) = (shared.keys.clone(), shared.clock.clone());
        let attach = Attach::new("platform", keys, clock.clone(), rule)?;
        let issuer = AttachLayer::new(attach).layer(wire::channel());
        let timing = Timing::within(BOUND);
        let following = Following { issuer, list, freshness, clock, timing };
        following.run(CancellationToken::new()).await;
        Ok(())
    }

    /// The host's process is gone, and its folder free.
    pub(super) fn crashed(&self, host: &str) {
        match host.strip_prefix("node-").and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => drop(locked(&self.0.nodes[number]).take()),
            None => drop(locked(&self.0.issuer).take()),
        }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
        std::thread::sleep(DISK);
    }

    pub(super) fn stop_revoking(&self) {
        self.0.revoking.cancel();
    }

    pub(super) fn acknowledged(&self) -> usize {
        locked(&self.0.acknowledged).len()
    }

    /// Whoever lets calls in refuses what was acknowledged longer ago than the bound; the issuer has everything.
    pub(super) fn check(&self) {
        let (now, acknowledged) = (self.0.clock.boot(), locked(&self.0.acknowledged));
        for (number, node) in self.0.nodes.iter().enumerate() {
            let node = locked(node);
            let Some(Node { list, freshness }) = &*node else { continue };
            if !freshness.is_fresh(now) {
                continue;
            }
            let due = acknowledged.iter().take_while(|(_, at)| now.saturating_sub(*at) > BOUND);
            let let_through = due.filter(|(print, _)| !list.index().contains(*print)).count();
            assert_eq!(let_through, 0, "node-{number} lets revoked tokens through");
        }
        if let Some(list) = &*locked(&self.0.issuer) {
            let lost = acknowledged.iter().filter(|(print, _)| !list.index().contains(*print));
            assert_eq!(lost.count(), 0, "the issuer has lost what it acknowledged");
        }
    }

    /// Every node lets calls in.
    pub(super) fn are_fresh(&self) -> bool {
        let now = self.0.clock.boot();
        let fresh = |node: &Node| node.freshness.is_fresh(now);
        self.0.nodes.iter().all(|node| locked(node).as_ref().is_some_and(fresh))
    }

    /// Every node lets calls in, and has all that was acknowledged.
    pub(super) fn have_everything(&self) -> bool {
        let acknowledged = locked(&self.0.acknowledged);
        let whole =
            |node: &Node| acknowledged.iter().all(|(print, _)| node.list.index().contains(*print));
        self.are_fresh() && self.0.nodes.iter().all(|node| locked(node).as_ref().is_some_and(whole))
    }

    /// For a person.
    pub(super) fn state(&self) -> String {
        let now = self.0.clock.boot();
        let of = |node: &Mutex<Option<Node>>| {
            let node = locked(node);
            node.as_ref().map(|node| (node.freshness.is_fresh(now), node.list.position()))
        };
        format!("{:?}", self.0.nodes.each_ref().map(of))
    }
}

fn open(folder: &Path, number: u8) -> List {
    std::fs::create_dir_all(folder).unwrap();
    List::open(&folder.join("list"), &Options::new([number; 8], NOW)).unwrap()
}
