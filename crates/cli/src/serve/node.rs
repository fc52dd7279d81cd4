//! What every node of the mesh is made of: its ring, its revocation list, its guard, its way to the other services.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::SERVICES;
use hallpass_guard::{
    Actions, Attach, AttachLayer, Attached, Clock, Guard, GuardSetup, Keys, PatienceLayer, Patient,
};
use hallpass_issuer::{Delegations, Diagnostics};
use hallpass_nats::Mesh;
use hallpass_revocation::{Freshness, List, Options, Sessions};
use hallpass_server::{
    Bound, Config, Contract, Document, Fetch, Keepalive, Peer, PeerChannel, Ready, Server,
    ServerSetup, ServiceSet,
};
use hallpass_telemetry::{
    ClientTrace, ClientTraceLayer, ServiceTelemetry, Telemetry, gone, spawn_watched,
};
use tower::Layer as _;

use crate::failure::Failure;
use crate::rings::ring_file;
use crate::serve::ring_store::OwnRings;
use crate::serve::ring_watch::{self, RingWatch};
use crate::serve::{claims, delegations, gauges, nats, sessions, sweep};

/// A node whose list is older than this refuses what it cannot know.
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(2);

/// How often entries whose time is over are dropped from the list.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// A way to another service: the span of the call, the wait where it comes too often, the token that it carries, the connection.
pub(super) type Way = ClientTrace<Patient<Attached<PeerChannel>>>;

/// One node, before it serves.
pub(super) struct Node {
    pub(super) role: &'static str,
    pub(super) config: Config,
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) list: Arc<List>,
    pub(super) freshness: Freshness,
    pub(super) actions: Arc<Actions>,
    /// What carries revocations and claims, where the issuer's own feed is outgrown.
    pub(super) mesh: Option<Mesh>,
    /// The sessions of users, where they come to.
    pub(super) sessions: Option<Sessions>,
    /// What users have given to agents, where they come to.
    pub(super) delegations: Option<Delegations>,
    guard: Arc<Guard>,
    telemetry: ServiceTelemetry,
    number: u64,
    keys_right: Ready,
}

impl Node {
    /// Reads the ring, opens the list and starts the guard.
    pub(super) async fn open(
        role: &'static str,
        config: &Config,
        telemetry: &Telemetry,
        freshness: Freshness,
    ) -> Result<Self, Failure> {
        let wall = Clock::system();
        let (keys, keys_right) = RingWatch::open(role, ring_file(&config.data, role))?;
        keys.ring().keys().filter(|key| is_shared(key)).for_each(warn_of_group);
        narrow(&state(config, role));
        let list = Arc::new(open_list(&state(config, role).join("revocations"), &wall)?);
        let mesh = nats::mesh(role, config).await?;
        let claims = claims::open(role, &state(config, role), &wall, mesh.as_ref()).await?;
        let (sessions, delegations) = match role {
            // Handles and agents are the users', who come to Platform alone.
            "platform" => {
                let (state, closed) = (state(config, role), list.index());
                let sessions = sessions::open(&state, config.sessions, &wall, closed)?;
                (Some(sessions), Some(delegations::open(&state, &wall)?))
            }
            _ => (None, None),
        };
        let forgetful = [
            Some(list.index()),
            claims.index(),
            sessions.as_ref().map(Sessions::index),
            delegations.as_ref().map(Delegations::index),
        ];
        let clock = wall.not_before(forgetful.into_iter().flatten());
        let actions = Actions::new(claims.store(), clock.clone());
        let number = u64::from_ne_bytes(random()?);
        let setup = GuardSetup {
            rules: hallpass_contract::rule,
            keys: keys.clone(),
            index: list.index(),
            changes: list.changes(),
            freshness: freshness.clone(),
            clock: clock.clone(),
            actions: Arc::clone(&actions),
            sessions: sessions.clone(),
            node: number,
            cache_bytes: GuardSetup::CACHE_BYTES,
        };
        let guard = Guard::limited(setup, config.limits.of_calls());
        let swept = Arc::clone(&list);
        spawn_watched(
            "sweep of revocations",
            sweep::every(SWEEP_EVERY, "revocations", clock.clone(), move |now| {
                let list = Arc::clone(&swept);
                async move { list.sweep(now).await }
            }),
        );
        if let Some(claims) = claims.swept() {
            spawn_watched(
                "sweep of claims",
                sweep::every(SWEEP_EVERY, "claims", clock.clone(), move |now| {
                    let claims = claims.clone();
                    async move { claims.sweep(now).await }
                }),
            );
        }
        spawn_watched("watch over the clock", sweep::watch_clock(SWEEP_EVERY, clock.clone()));
        let (config, telemetry) = (config.clone(), telemetry.service(role));
        gauges::report(&telemetry, &list, &freshness, &clock, &guard);
        gauges::report_sessions(&telemetry, sessions.as_ref());
        Ok(Self {
            role,
            config,
            keys,
            clock,
            list,
            freshness,
            actions,
            mesh,
            sessions,
            delegations,
            guard,
            telemetry,
            number,
            keys_right,
        })
    }

    /// What it reports to.
    pub(super) const fn telemetry(&self) -> &ServiceTelemetry {
        &self.telemetry
    }

    /// The folder that holds this node's own state.
    pub(super) fn state(&self) -> PathBuf {
        state(&self.config, self.role)
    }

    /// The way to a service: its connection is made when it is first needed.
    pub(super) fn way(&self, peer: &Peer) -> Result<Way, Failure> {
        self.way_noticing(peer, self.config.keepalive)
    }

    /// The way to a service, on which a dead connection is noticed after this long.
    pub(super) fn way_noticing(&self, peer: &Peer, keepalive: Keepalive) -> Result<Way, Failure> {
        let minter = (self.role, self.keys.clone(), self.clock.clone());
        way(minter, self.telemetry.clone(), peer, keepalive)
    }

    /// A bare connection to a service, for what needs no token.
    pub(super) fn channel(&self, peer: &Peer) -> Result<PeerChannel, Failure> {
        peer.channel(self.config.keepalive).map_err(Failure::failed)
    }

    /// The names of the gRPC services that the contract declares for this role.
    pub(super) fn services(&self) -> impl Iterator<Item = &'static str> + use<> {
        let role = self.role;
        SERVICES.iter().filter(move |service| service.audience == role).map(|service| service.name)
    }

    /// What this node can tell its callers about their calls.
    pub(super) fn diagnostics(&self) -> Diagnostics {
        let (keys, clock) = (self.keys.clone(), self.clock.clone());
        Diagnostics::new(self.role, keys, clock, self.guard.refusals())
    }

    /// The rings that this node may change: its own keys' part of them.
    pub(super) fn rings(&self) -> OwnRings {
        OwnRings::of(self.role, self.config.data.clone())
    }

    /// The other service, as the configuration names it.
    pub(super) fn peer(&self, name: &str) -> Result<Peer, Failure> {
        peer(&self.config, name)
    }

    /// Checks that the services are those that the contract declares for this role, and takes the port.
    pub(super) async fn bind(
        &self,
        services: ServiceSet,
        mut services_ready: Vec<(&'static str, Ready)>,
        documents: Vec<(&'static str, Document)>,
        fetches: Vec<(&'static str, Fetch)>,
    ) -> Result<Bound, Failure> {
        services_ready.push((ring_watch::HEALTH, Arc::clone(&self.keys_right)));
        let (list, freshness, clock) =
            (Arc::clone(&self.list), self.freshness.clone(), self.clock.clone());
        let setup = ServerSetup {
            role: self.role,
            declared: self.services().collect(),
            services,
            contract: Contract::HALLPASS,
            guard: Arc::clone(&self.guard),
            telemetry: self.telemetry.clone(),
            ready: Arc::new(move || {
                gone().is_none() && list.healthy().is_ok() && freshness.is_fresh(clock.boot())
            }),
            services_ready,
            documents,
            fetches,
            node: self.number,
        };
        Server::bind(&self.config, setup).await.map_err(Failure::failed)
    }
}

/// The way of a role, with its keys, to a service.
pub(super) fn way(
    (role, keys, clock): (&'static str, Keys, Clock),
    telemetry: ServiceTelemetry,
    peer: &Peer,
    keepalive: Keepalive,
) -> Result<Way, Failure> {
    let attach = Attach::new(role, keys, clock, hallpass_contract::rule);
    let attach = attach.map_err(Failure::failed)?;
    let channel = peer.channel(keepalive).map_err(Failure::failed)?;
    let (host, port) = peer.host_and_port();
    let trace = ClientTraceLayer::new(telemetry, host, port);
    let patience = PatienceLayer::new(hallpass_contract::rule);
    Ok(trace.layer(patience.layer(AttachLayer::new(attach).layer(channel))))
}

/// Another service, as the configuration names it.
pub(super) fn peer(config: &Config, name: &str) -> Result<Peer, Failure> {
    config.peers.get(name).cloned().ok_or_else(|| {
        Failure::failed(format_args!("peers.{name}.address is not set; right: its URL"))
    })
}

/// The folder that holds a role's state.
pub(super) fn state(config: &Config, role: &str) -> PathBuf {
    config.data.join(role)
}

fn open_list(folder: &std::path::Path, clock: &Clock) -> Result<List, Failure> {
    let at_list = |problem: &dyn std::fmt::Display| {
        Failure::failed(format_args!("revocation list {}: {problem}", folder.display()))
    };
    private_folder(folder).map_err(|error| at_list(&error))?;
    List::open(folder, &Options::new(random()?, clock.now())).map_err(|error| at_list(&error))
}

/// Lets nobody else into a folder that an earlier version left open to others.
fn narrow(folder: &std::path::Path) {
    let made = private_folder(folder);
    let narrowed = made
        .and_then(|()| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)));
    if let Err(error) = narrowed {
        tracing::warn!(folder = %folder.display(), %error, "others may be able to read this folder");
    }
}

/// Makes a folder for this user's eyes, if it is not there.
fn private_folder(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Whether tokens of a group count here. Those of a retired key do not.
fn is_shared(key: &hallpass_token::Key) -> bool {
    key.algorithm().is_shared_secret() && key.state() != hallpass_token::KeyState::Retired
}

/// The members of a shared secret's group cannot be told apart: whoever verifies with it can also sign.
fn warn_of_group(key: &hallpass_token::Key) {
    tracing::warn!(
        kid = key.kid(),
        owner = key.owner(),
        types = ?key.types(),
        scopes = %key.scopes(),
        audiences = ?key.audiences(),
        "this key is a shared secret: every process that holds it can mint tokens in its owner's name"
    );
}

/// Random bytes from the crypto library.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::failed("the system gives no random bits"))?;
    Ok(bytes)
}
