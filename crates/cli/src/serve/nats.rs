//! The NATS servers that carry revocations, claims and sessions, as the section `[nats]` of the configuration gives them.

use std::path::Path;
use std::sync::Arc;

use hallpass_nats::{Carrying, Following, Login, Mesh, Settings, SharedSessions};
use hallpass_server::pem::{self, Kind};
use hallpass_server::{Config, NatsSection};
use hallpass_telemetry::spawn_watched;
use hallpass_token::SecretRef;
use secrecy::SecretString;
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
            usable("nats.cert", cert, Kind::Shown)?;
            usable("nats.key", key, Kind::Key)?;
            Some((cert.clone(), key.clone()))
        }
        _ => {
            return Err(Failure::failed(
                "nats: a certificate needs its key; right: cert and key, or neither",
            ));
        }
    };
    if let Some(ca) = &section.ca {
        usable("nats.ca", ca, Kind::Authority)?;
    }
    Ok(Settings {
        servers: section.servers.clone(),
        login: login(section)?,
        ca: section.ca.clone(),
        certificate,
        prefix: section.prefix.clone(),
        replicas: section.replicas,
    })
}

fn usable(key: &str, file: &Path, kind: Kind) -> Result<(), Failure> {
    pem::check(file, kind).map_err(|error| Failure::failed(format_args!("{key}, {error}")))
}

fn login(section: &NatsSection) -> Result<Option<Login>, Failure> {
    let NatsSection { user, password, nkey, credentials, .. } = section;
    match (user, password, nkey, credentials) {
        (None, None, None, None) => Ok(None),
        (Some(user), Some(place), None, None) => {
            let password = secret("nats.password", place)?;
            Ok(Some(Login::Password { user: user.clone(), password }))
        }
        (None, None, Some(place), None) => Ok(Some(Login::Nkey(secret("nats.nkey", place)?))),
        (None, None, None, Some(place)) => {
            Ok(Some(Login::Credentials(secret("nats.credentials", place)?)))
        }
        _ => Err(Failure::failed(
            "nats: one way to log in is wanted: user and password, or nkey, or credentials",
        )),
    }
}

fn secret(key: &str, place: &str) -> Result<SecretString, Failure> {
    // What does not name a place may be the secret itself: it is not shown.
    let place: SecretRef =
        place.parse().map_err(|error| Failure::failed(format_args!("{key}: {error}")))?;
    secrets::fetch(&place)
        .map_err(|problem| Failure::failed(format_args!("{key}, {place}: {problem}")))
}
