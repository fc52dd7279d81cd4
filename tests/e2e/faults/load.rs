//! Callers who revoke without pause, and one who tries what has been revoked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hallpass_contract::auth::revocation_target::Target;
use hallpass_contract::auth::{RevocationTarget, RevokeRequest, TokenName};
use hallpass_revocation::{List, Opened, Options};
use hallpass_token::{Fingerprint, KeyRing, NewToken, TokenType};
use prost_reflect::prost::Message as _;
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use super::Chance;
use super::fleet::{Fleet, Post, copy};
use crate::callers::{fresh_id, now};
use crate::mesh::{read_ring, ring_file};
use crate::raw;

const REVOKE: &str = "/hallpass.auth.v1.RevocationService/Revoke";
const LABELER_LIST: &str = "/hallpass.labeler.v1.DatasetService/ListDatasets";
const WRITERS: usize = 4;
/// The bound after which no node lets a revoked token through.
const BOUND: Duration = Duration::from_secs(2);
/// How long a node may take to serve again while the others are killed, too.
const SHUT: Duration = Duration::from_mins(2);

/// What is acknowledged, and who asks for it.
pub(crate) struct Load {
    shared: Arc<Shared>,
    runtime: Handle,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    ring: Signers,
    acknowledged: Mutex<Vec<Revoked>>,
    stopped: AtomicBool,
    refused: AtomicU64,
    unanswered: AtomicU64,
    late: Mutex<Vec<String>>,
}

struct Signers {
    users: KeyRing,
    platform: KeyRing,
}

/// A token that is revoked, and since when that is acknowledged.
#[derive(Clone)]
struct Revoked {
    token: Arc<str>,
    print: Fingerprint,
    at: Instant,
}

impl Load {
    /// Begins to revoke and to try.
    pub(crate) fn start(fleet: &Fleet, runtime: &Handle) -> Self {
        let ring = |name| read_ring(&ring_file(fleet.data.path(), name));
        let shared = Arc::new(Shared {
            ring: Signers { users: ring("users"), platform: ring("platform") },
            acknowledged: Mutex::default(),
            stopped: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            late: Mutex::default(),
        });
        let entered = runtime.enter();
        let writers = (0..WRITERS)
            .map(|_| tokio::spawn(Arc::clone(&shared).revoke_on_and_on(fleet.issuer().channel())));
        let followers = fleet.posts.iter().filter(|post| !post.is_issuer());
        let tries =
            followers.map(|post| tokio::spawn(Arc::clone(&shared).try_on_and_on(post.channel())));
        let tasks = writers.chain(tries).collect();
        drop(entered);
        Self { shared, runtime: runtime.clone(), tasks }
    }

    /// How many were acknowledged up to now.
    pub(crate) fn count(&self) -> usize {
        self.shared.acknowledged().len()
    }

    /// Ends the load; what is under way is answered first.
    pub(crate) fn stop(&self, runtime: &Runtime) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let all = async {
            while !self.tasks.iter().all(JoinHandle::is_finished) {
                tokio::task::yield_now().await;
            }
        };
        runtime.block_on(async { tokio::time::timeout(SHUT, all).await }).expect("the load ends");
    }

    /// Blocks until the node serves again.
    pub(crate) fn wait_until_served(&self, post: &Post) {
        self.runtime.block_on(self.until_served(post));
    }

    /// Waits until the node does what it is there for.
    pub(crate) async fn until_served(&self, post: &Post) {
        let channel = post.channel();
        let served = async {
            loop {
                let served = if post.is_issuer() {
                    self.shared.revoke(&channel).await
                } else {
                    self.shared.list(&channel, &self.shared.good_token()).await == "OK"
                };
                if served {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(SHUT, served).await;
        in_time.unwrap_or_else(|_| panic!("{} at {} stays shut", post.role, post.list().display()));
    }

    /// Waits for the bound after the last acknowledgement: a node that serves then has all of it.
    pub(crate) async fn until_due(&self) {
        let last = self.shared.acknowledged().last().map(|last| last.at + BOUND);
        tokio::time::sleep_until(last.expect("something was revoked").into()).await;
    }

    /// The newest of the revoked tokens are refused by a node that serves.
    pub(crate) async fn all_refused(&self, post: &Post) {
        if !post.is_issuer() {
            self.until_served(post).await;
        }
        let newest: Vec<_> = self.shared.acknowledged().iter().rev().take(100).cloned().collect();
        for revoked in newest.iter().filter(|_| !post.is_issuer()) {
            let answer = self.shared.list(&post.channel(), &revoked.token).await;
            assert_eq!(answer, "Unauthenticated TOKEN_REVOKED", "{}", post.list().display());
        }
    }

    /// The list on the disk of a node that does not run has the first so many of what was acknowledged. A copy is opened, so that
    /// the node finds what the kill has left.
    pub(crate) fn check_kept(&self, post: &Post, acknowledged: usize) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("list");
        copy(&post.list(), &folder);
        let list = List::open(&folder, &Options::new([5; 8], now())).expect("it opens");
        assert!(
            !matches!(list.opened(), Opened::Fresh { .. }),
            "{} is lost",
            post.list().display()
        );
        let index = list.index();
        let acknowledged: Vec<_> = self.shared.acknowledged()[..acknowledged]
            .iter()
            .map(|revoked| revoked.print)
            .collect();
        let missing = acknowledged.iter().filter(|print| !index.contains(**print)).count();
        assert_eq!(
            missing,
            0,
            "{} has lost {missing} of {}",
            post.list().display(),
            acknowledged.len()
        );
    }

    /// Says what there was, and fails where a revoked token was let through too late or nothing was shown.
    pub(crate) fn report(&self, kills: u64) {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let acknowledged = self.count();
        let late = self.shared.late.lock().expect("nobody panicked");
        let (refused, unanswered) = (count(&self.shared.refused), count(&self.shared.unanswered));
        eprintln!(
            "{kills} kills: {acknowledged} revocations acknowledged, none lost; tried after the bound: {refused} refused, {} let \
             through, {unanswered} without an answer",
            late.len(),
        );
        assert!(late.is_empty(), "let through: {late:?}");
        assert!(acknowledged > 50 && refused > 0, "too little happened to show anything");
    }
}

impl Shared {
    fn acknowledged(&self) -> MutexGuard<'_, Vec<Revoked>> {
        self.acknowledged.lock().expect("nobody panicked")
    }

    async fn revoke_on_and_on(self: Arc<Self>, issuer: Channel) {
        while !self.stopped.load(Ordering::Relaxed) {
            if !self.revoke(&issuer).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// Revokes a token that nobody has seen before. Whether that was acknowledged.
    async fn revoke(&self, issuer: &Channel) -> bool {
        let token = self.good_token();
        let verified = self.ring.platform.verify(&token, now()).expect("it is good");
        let name = TokenName {
            issuer: verified.claims().issuer.clone().expect("an issuer"),
            token_id: verified.claims().id.clone().expect("an id"),
        };
        let target = Some(RevocationTarget { target: Some(Target::Token(name)) });
        let request = RevokeRequest { target, ..RevokeRequest::default() };
        let header = format!("Bearer {}", self.admin_token());
        let rule = hallpass_contract::rule(REVOKE).expect("a declared RPC");
        let body = request.encode_to_vec();
        let done = raw::call(issuer, rule, body, &[("authorization", &header)]).await == "OK";
        if done {
            let print = verified.fingerprint();
            self.acknowledged().push(Revoked { token: token.into(), print, at: Instant::now() });
        }
        done
    }

    /// Tries tokens whose revocation was acknowledged longer ago than the bound.
    async fn try_on_and_on(self: Arc<Self>, follower: Channel) {
        let mut chance = Chance(7);
        while !self.stopped.load(Ordering::Relaxed) {
            let Some(revoked) = self.due(&mut chance) else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            match self.list(&follower, &revoked.token).await.as_str() {
                "Unauthenticated TOKEN_REVOKED" => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                "OK" => {
                    let ago = format!("{:?} after the acknowledgement", revoked.at.elapsed());
                    self.late.lock().expect("nobody panicked").push(ago);
                }
                _ => {
                    self.unanswered.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// One of those that became due last.
    fn due(&self, chance: &mut Chance) -> Option<Revoked> {
        let all = self.acknowledged();
        let due = all.partition_point(|revoked| revoked.at.elapsed() >= BOUND);
        let newest = chance.below(64).min((due as u64).saturating_sub(1));
        all[..due].iter().rev().nth(usize::try_from(newest).expect("small")).cloned()
    }

    async fn list(&self, labeler: &Channel, token: &str) -> String {
        let header = format!("Bearer {token}");
        let rule = hallpass_contract::rule(LABELER_LIST).expect("a declared RPC");
        raw::call(labeler, rule, Vec::new(), &[("authorization", &header)]).await
    }

    fn good_token(&self) -> String {
        let mut token = NewToken::new(TokenType::Service, fresh_id());
        token.subject = Some("alice".to_owned());
        token.service = Some("platform".to_owned());
        token.scopes = std::iter::once("labeler:read").collect();
        token.audience = vec!["labeler".to_owned()];
        let minted = self.ring.platform.mint("platform-1", &token, now());
        minted.expect("Platform may sign it").expose().to_owned()
    }

    fn admin_token(&self) -> String {
        let mut token = NewToken::new(TokenType::User, fresh_id());
        token.subject = Some("root".to_owned());
        token.scopes = std::iter::once("revocations:admin").collect();
        token.audience = vec!["platform".to_owned()];
        let minted = self.ring.users.mint("users-1", &token, now());
        minted.expect("the users' key may sign it").expose().to_owned()
    }
}
