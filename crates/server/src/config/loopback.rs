//! Beyond this machine nothing is plaintext, unless someone has said so in as many words.

use std::net::IpAddr;

use hallpass_telemetry::urls;

use super::{Config, Problem};

/// Refuses users and passwords in addresses, which are shown wherever an address is.
pub(super) fn check_logins(config: &Config) -> Result<(), Problem> {
    let peers = config.peers.iter().map(|(name, peer)| {
        (format!("peers.{name}.address"), peer.address().to_string(), "leave them out")
    });
    let nats = config.nats.iter().flat_map(|nats| &nats.servers).map(|server| {
        ("nats.servers".to_owned(), server.clone(), "give them in nats.user and nats.password")
    });
    let buckets = [("labeler.files", &config.labeler.files), ("artifacts", &config.artifacts)];
    let buckets = buckets.into_iter().filter_map(|(name, bucket)| {
        let endpoint = bucket.as_ref()?.endpoint.clone()?;
        Some((format!("{name}.endpoint"), endpoint, "give access_key_id and secret_access_key"))
    });
    let oidc = config.oidc.iter().flat_map(|issuer| {
        let jwks = issuer.jwks_uri.iter().map(|uri| ("oidc.jwks_uri".to_owned(), uri));
        let all = std::iter::once(("oidc.issuer".to_owned(), &issuer.issuer)).chain(jwks);
        all.map(|(key, url)| (key, url.clone(), "leave them out"))
    });
    let temporal =
        ("temporal.address".to_owned(), config.temporal.address.clone(), "leave them out");
    let mut all = peers.chain(nats).chain(buckets).chain(oidc).chain([temporal]);
    let Some((key, _, right)) = all.find(|(_, url, _)| urls::has_login(url)) else {
        return Ok(());
    };
    let problem = format!("has a user or a password: {right}");
    Err(Problem { key, source: None, problem })
}

pub(super) fn check(config: &Config, plaintext: bool) -> Result<(), Problem> {
    if config.development && !config.listen.ip().is_loopback() {
        let problem =
            format!("not with listen = {}, which is beyond loopback; right: false", config.listen);
        return Err(Problem { key: "development".to_owned(), source: None, problem });
    }
    if plaintext {
        return Ok(());
    }
    let listens = [("listen", Some(config.listen)), ("temporal.listen", config.temporal.listen)];
    for (key, address) in listens {
        let Some(address) = address.filter(|address| !address.ip().is_loopback()) else { continue };
        if config.tls.is_none() {
            let problem = format!(
                "{address} is beyond loopback and there is no [tls]; give tls.cert and tls.key, listen on 127.0.0.1, or set \
                 insecure_plaintext"
            );
            return Err(Problem { key: key.to_owned(), source: None, problem });
        }
    }
    for (name, peer) in &config.peers {
        if !peer.is_private() {
            let problem = format!(
                "{} is beyond loopback and not https; use https, or set insecure_plaintext",
                peer.address()
            );
            return Err(Problem { key: format!("peers.{name}.address"), source: None, problem });
        }
    }
    let servers = config.nats.iter().flat_map(|nats| &nats.servers);
    if let Some(server) = servers.into_iter().find(|server| !is_private(server)) {
        let problem = format!(
            "{server:?} is beyond loopback and not tls; use tls://HOST:PORT, or set insecure_plaintext"
        );
        return Err(Problem { key: "nats.servers".to_owned(), source: None, problem });
    }
    Ok(())
}

/// Whether nobody on the way to a NATS server can listen. What is no address is found out when it is used.
fn is_private(server: &str) -> bool {
    let Some(place) = server.strip_prefix("nats://") else { return true };
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
