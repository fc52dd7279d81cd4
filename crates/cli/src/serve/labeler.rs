//! The Labeler node: datasets, behind a list that follows Platform's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hallpass_guard::Following;
use hallpass_labeler::DOWNLOAD_PATH;
use hallpass_revocation::Freshness;
use hallpass_revocation::feed::Timing;
use hallpass_server::{Bound, Config, Fetch, Keepalive, Peer, ServiceSet, Shutdown};
use hallpass_telemetry::{Telemetry, spawn_watched};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::serve::database;
use crate::serve::nats;
use crate::serve::node::{self, MAX_STALENESS, Node};
use crate::serve::settings;

/// A feed whose connection is dead has to be opened anew at once: until then this node refuses.
const FEED_KEEPALIVE: Keepalive =
    Keepalive { interval: Duration::from_secs(1), timeout: Duration::from_secs(1) };

/// Labeler, bound to its port.
pub(super) struct Labeler {
    node: Node,
    bound: Bound,
    service: hallpass_labeler::Labeler,
    shutdown: Shutdown,
    following: CancellationToken,
}

impl Labeler {
    /// Opens everything and takes the port.
    pub(super) async fn start(
        config: &Config,
        telemetry: &Telemetry,
        shutdown: Shutdown,
    ) -> Result<Self, Failure> {
        let state = node::state(config, "labeler");
        let own = hallpass_labeler::Labeler::own_database(&state);
        let database = database::location(config, "labeler", own)?;
        if !database.is_shared() {
            hallpass_labeler::Labeler::is_free(&state).map_err(Failure::failed)?;
        }
        let freshness = Freshness::follower(MAX_STALENESS);
        let node = Node::open("labeler", config, telemetry, freshness).await?;
        let clock = node.clock.clone();
        let now = Arc::new(move || clock.now());
        let settings = settings::of(config)?;
        let labeler = hallpass_labeler::Labeler::open_on(&database, &state, settings, now).await;
        let labeler = labeler.map_err(Failure::failed)?;
        let standing = labeler.standing();
        let answers = database::watch("labeler", move || standing.clone().check());
        let ready = node.services().map(|service| (service, Arc::clone(&answers))).collect();
        let services = ServiceSet::default()
            .add(labeler.datasets())
            .add(labeler.permissions())
            .add(labeler.snapshots())
            .add(labeler.splits())
            .add(labeler.uploads())
            .add(node.diagnostics().at_labeler());
        let fetches: Vec<(_, Fetch)> = vec![(DOWNLOAD_PATH, Arc::new(labeler.downloads()))];
        let bound = node.bind(services, ready, Vec::new(), fetches).await?;
        // Where a client reaches this port, unless the configuration says it.
        if !bound.address().ip().is_unspecified() {
            let scheme = if config.tls.is_some() { "https" } else { "http" };
            labeler.answers_at(&format!("{scheme}://{}", bound.address()));
        }
        Ok(Self { node, bound, service: labeler, shutdown, following: CancellationToken::new() })
    }

    /// Begins to follow the mesh's list, or Platform's own where there is none. Until it has answered, nothing but health is served.
    pub(super) fn follow(&self, platform: &Peer) -> Result<(), Failure> {
        if nats::follow(&self.node, &self.following)? {
            return Ok(());
        }
        self.follow_platform(platform)
    }

    fn follow_platform(&self, platform: &Peer) -> Result<(), Failure> {
        let following = Following {
            issuer: self.node.way_noticing(platform, FEED_KEEPALIVE)?,
            list: Arc::clone(&self.node.list),
            freshness: self.node.freshness.clone(),
            clock: self.node.clock.clone(),
            timing: Timing::within(MAX_STALENESS),
        };
        spawn_watched("follower", following.run(self.following.clone()));
        Ok(())
    }

    /// Begins to follow the mesh's list, or Platform where the configuration says that it is.
    pub(super) fn follow_configured(&self) -> Result<(), Failure> {
        if nats::follow(&self.node, &self.following)? {
            return Ok(());
        }
        self.follow_platform(&self.node.peer("platform")?)
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Tells whether the list is fresh, now and later.
    pub(super) fn is_fresh(&self) -> impl Fn() -> bool + use<> {
        let (freshness, clock) = (self.node.freshness.clone(), self.node.clock.clone());
        move || freshness.is_fresh(clock.boot())
    }

    /// Serves until told to stop.
    pub(super) async fn serve(self) -> Result<(), Failure> {
        let served = self.bound.serve(self.shutdown).await;
        self.following.cancel();
        self.service.close().await;
        served.map(drop).map_err(Failure::failed)
    }
}
