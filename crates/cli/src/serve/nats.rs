//! The NATS servers that carry revocations, claims and sessions, as the section `[nats]` of the configuration gives them.

use std::sync::Arc;

use hallpass_nats::{Carrying, Following, Login, Mesh, Settings, SharedSessions};
use hallpass_server::{Config, NatsSection, private_file};
use hallpass_telemetry::spawn_watched;
use hallpass_token::SecretRef;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::secrets;
use crate::serve::node::Node;

/// The connection, if there is to be one. The servers need not be there; but what is there must lose nothing.
pub(super) async fn mesh(role: &str, config: &Config) -> Result<Option<Mesh>, Failure> {
    let Some(section) = &config.nats else { return Ok(None) };
    let mesh = Mesh::connect(&settings(section)?).await.map_err(Failure::failed)?;
    hallpass_nats::check(&mesh, role == "platform").await.map_err(Failure::failed)?;
    Ok(Some(mesh))
}

/// Begins to follow the stream of revocations; false where there is none to follow.
pub(super) fn follow(node: &Node, stop: &CancellationToken) -> Result<bool, Failure> {
    let (Some(mesh), Some(section)) = (&node.mesh, &node.config.nats) else { return Ok(false) };
    let (list, fresh) = (Arc::clone(&node.list), node.freshness.clone());
    let issuers = section.issuers.iter().cloned();
    let following = Following::new(mesh.clone(), list, fresh, node.clock.clone(), issuers);
    spawn_watched("follower", following.map_err(Failure::failed)?.run(stop.clone()));
    Ok(true)
}

/// Begins to carry this node's own revocations and sessions to the servers, where there are some. From then on they count only once they
/// are there.
pub(super) fn carry(node: &Node, stop: &CancellationToken) -> Result<(), Failure> {
    let (Some(mesh), Some(section)) = (&node.mesh, &node.config.nats) else { return Ok(()) };
    if !section.issuers.contains(&section.issuer) {
        return Err(Failure::failed(format_args!(
            "nats.issuers: {:?}, this Platform's own name, is not among them; right: the names of all Platforms, the same everywhere",
            section.issuer
        )));
    }
    let (list, clock) = (Arc::clone(&node.list), node.clock.clone());
    let carrying = Carrying::new(mesh.clone(), list, clock, section.issuer.clone());
    spawn_watched("carrier", carrying.map_err(Failure::failed)?.run(stop.clone()));
    if let Some(sessions) = &node.sessions {
        let shared = SharedSessions::new(mesh.clone(), sessions.clone(), node.clock.clone());
        spawn_watched("sharing of sessions", shared.run(stop.clone()));
    }
    Ok(())
}

fn settings(section: &NatsSection) -> Result<Settings, Failure> {
    let certificate = match (&section.cert, &section.key) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            private_file::check(key).map_err(|error| {
                Failure::failed(format_args!("nats.key, {}: {error}", key.display()))
            })?;
            Some((cert.clone(), key.clone()))
        }
        _ => {
            return Err(Failure::failed(
                "nats: a certificate needs its key; right: cert and key, or neither",
            ));
        }
    };
    Ok(Settings {
        servers: section.servers.clone(),
        login: login(section)?,
        ca: section.ca.clone(),
        certificate,
        prefix: section.prefix.clone(),
        replicas: section.replicas,
    })
}

fn login(section: &NatsSection) -> Result<Option<Login>, Failure> {
    let (user, place) = match (&section.user, &section.password) {
        (None, None) => return Ok(None),
        (Some(user), Some(place)) => (user.clone(), place),
        _ => {
            return Err(Failure::failed(
                "nats: a user needs a password; right: user and password, or neither",
            ));
        }
    };
    // What does not name a place may be the password itself: it is not shown.
    let place: SecretRef =
        place.parse().map_err(|error| Failure::failed(format_args!("nats.password: {error}")))?;
    let password = secrets::fetch(&place)
        .map_err(|problem| Failure::failed(format_args!("nats.password, {place}: {problem}")))?;
    Ok(Some(Login { user, password }))
}
