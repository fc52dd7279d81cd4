//! The Platform node: users' datasets and jobs, and the auth services with the list that every node follows.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hallpass_contract::platform::{DATASET_SERVICE, JOB_SERVICE};
use hallpass_issuer::Issuer;
use hallpass_platform::{Setup, is_serving};
use hallpass_revocation::{Freshness, Opened};
use hallpass_server::{Bound, Config, JobEngine, PeerChannel, Ready, ServiceSet, Shutdown};
use hallpass_store::Location;
use hallpass_telemetry::{Telemetry, spawn_watched};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::privacy;
use crate::serve::database;
use crate::serve::nats;
use crate::serve::node::{self, MAX_STALENESS, Node, Way};
use crate::serve::oidc;
use crate::serve::relay;
use crate::serve::training;

/// Where verifiers look for the public keys (RFC 8414, section 3 reserves the place).
const JWKS: &str = "/.well-known/jwks.json";

/// How often Labeler is asked whether it serves, and how long it may take to answer.
const ASK_PEER_EVERY: Duration = Duration::from_secs(1);

/// How long jobs may take to be given back when Platform ends.
const LEAVE_JOBS: Duration = Duration::from_secs(10);

/// Platform, bound to its port.
pub(super) struct Platform {
    bound: Bound,
    service: hallpass_platform::Platform<Way>,
    shutdown: Shutdown,
    feeding: CancellationToken,
}

impl Platform {
    /// Opens everything and takes the port. Labeler need not be there.
    pub(super) async fn start(
        config: &Config,
        telemetry: &Telemetry,
        shutdown: Shutdown,
    ) -> Result<Self, Failure> {
        let own = hallpass_platform::own_database(&node::state(config, "platform"));
        let database = database::location(config, "platform", own)?;
        let fresh = freshness(config, &database);
        let node = Node::open("platform", config, telemetry, fresh).await?;
        let feeding = CancellationToken::new();
        nats::carry(&node, &feeding)?;
        if !nats::follow(&node, &feeding)? {
            refuse_a_lost_list(&node)?;
        }
        let labeler = node.peer("labeler")?;
        let setup = Setup {
            folder: node.state(),
            labeler: node.way(&labeler)?,
            clock: node.clock.clone(),
            training: training::of(config)?,
            telemetry: node.telemetry().clone(),
        };
        if privacy::is_open_to_trainers() {
            tracing::warn!(
                "trainers can read this process's environment: it is root's, with a capability to read other processes; right: run \
                 it as an ordinary user"
            );
        }
        if config.jobs.engine == JobEngine::Temporal && cfg!(not(feature = "temporal")) {
            tracing::warn!(
                "jobs.engine is temporal and this hallpass is built without Temporal: jobs wait until `hallpass worker` of a build with \
                 --features temporal takes them"
            );
        }
        let platform = hallpass_platform::Platform::open_on(&database, setup).await;
        let platform = platform.map_err(Failure::failed)?;
        if config.nats.is_none() {
            database::own(&database, &node.freshness, &node.clock).await?;
        }
        let asked = platform.clone();
        let answers = database::watch("platform", move || {
            let asked = asked.clone();
            async move { asked.ready().await }
        });
        let (list, actions) = (Arc::clone(&node.list), Arc::clone(&node.actions));
        let pace = NonZeroU32::new(config.limits.issued_a_minute);
        let sessions = node.sessions.clone();
        let sessions =
            sessions.ok_or_else(|| Failure::failed("Platform has no store of sessions"))?;
        let issuer = Issuer::new(list, node.keys.clone(), node.clock.clone(), actions)
            .issuing(pace)
            .knowing(sessions.clone());
        let delegations = node.delegations.clone();
        let delegations =
            delegations.ok_or_else(|| Failure::failed("Platform has no store of delegations"))?;
        let services = ServiceSet::default()
            .add(platform.datasets())
            .add(platform.permissions())
            .add(platform.snapshots())
            .add(platform.splits())
            .add(platform.uploads())
            .add(platform.jobs())
            .add(issuer.tokens())
            .add(issuer.actions())
            .add(issuer.delegations(delegations))
            .add(issuer.sessions(sessions))
            .add(issuer.revocations())
            .add(issuer.keys(Arc::new(node.rings())))
            .add(issuer.diagnostics(node.diagnostics(), relay::to_labeler(node.way(&labeler)?)));
        let reachable = watch_peer(node.channel(&labeler)?);
        let mut ready = vec![(DATASET_SERVICE, reachable), (JOB_SERVICE, answers)];
        ready.extend(oidc::start(config, &node)?);
        let bound =
            node.bind(services, ready, vec![(JWKS, Arc::new(issuer.jwks()))], Vec::new()).await?;
        Ok(Self { bound, service: platform, shutdown, feeding })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// The jobs, for another engine to run.
    #[cfg(feature = "temporal")]
    pub(super) fn handover(&self) -> hallpass_platform::Handover<Way> {
        self.service.handover()
    }

    /// Serves until told to stop.
    pub(super) async fn serve(self) -> Result<(), Failure> {
        let stop = CancellationToken::new();
        let jobs = spawn_watched("runner of jobs", self.service.run_jobs(stop.clone()));
        let ending = self.shutdown.clone().draining();
        let stopping = stop.clone();
        tokio::spawn(async move {
            ending.await;
            stopping.cancel();
        });
        let served = self.bound.serve(self.shutdown).await;
        stop.cancel();
        self.feeding.cancel();
        // A job that could not be given back is somebody's again when its lease ends.
        let _ = tokio::time::timeout(LEAVE_JOBS, jobs).await;
        self.service.close().await;
        served.map(drop).map_err(Failure::failed)
    }
}

/// A list that nobody else writes to is all there is. One beside others is as fresh as what carries them, and where there could be others
/// without that, it is as fresh as the proof that there are none.
fn freshness(config: &Config, database: &Location) -> Freshness {
    if config.nats.is_none() && !database.is_shared() {
        return Freshness::always();
    }
    Freshness::follower(MAX_STALENESS)
}

/// An issuer that has lost its list does not know what it has revoked, so it lets nothing through.
fn refuse_a_lost_list(node: &Node) -> Result<(), Failure> {
    match node.list.opened() {
        Opened::Existing | Opened::Created => Ok(()),
        Opened::Fresh { set_aside } => Err(Failure::failed(format_args!(
            "the revocation list was broken and is set aside as {}; right: restore {} from a copy, or \
             `hallpass revocations refill` it from a follower's, or `hallpass revocations reset`, after which everything issued before \
             is refused",
            set_aside.display(),
            node.state().join("revocations").display(),
        ))),
    }
}

/// Asks Labeler now and then whether it serves, so that health answers without waiting for it.
fn watch_peer(labeler: PeerChannel) -> Ready {
    let serving = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&serving);
    spawn_watched("watch over Labeler", async move {
        let mut every = tokio::time::interval(ASK_PEER_EVERY);
        loop {
            every.tick().await;
            let asked = tokio::time::timeout(ASK_PEER_EVERY, is_serving(labeler.clone())).await;
            serving.store(asked.unwrap_or(false), Ordering::Relaxed);
        }
    });
    Arc::new(move || seen.load(Ordering::Relaxed))
}
