//! A service that this one calls: where it is, and how it proves that it is the one.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Uri};

use crate::Keepalive;
use crate::peer_channel::PeerChannel;
use crate::pem::{self, Kind, PemError};

/// How long reaching a peer may take before the call that needs it fails.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A service that this one calls.
///
/// `ca` holds the authority that its certificate must come from [default: those that this system trusts], `domain` the name in it where that is not the address's
/// own, `cert` and `key` what this service shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    #[serde(deserialize_with = "uri")]
    address: Uri,
    ca: Option<PathBuf>,
    domain: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// A peer that cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Its authority's certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] PemError),
    /// This service would show it a certificate without its key, or a key without its certificate.
    #[error("{0}: give `cert` and `key` together, or neither")]
    Half(Uri),
    /// Its address is not one that a client can use.
    #[error("{0} cannot be called")]
    Address(SocketAddr),
    /// TLS cannot be set up with it.
    #[error("{address}: {cause}")]
    Refused {
        /// The peer's address.
        address: Uri,
        /// Why.
        cause: tonic::transport::Error,
    },
}

impl Peer {
    /// A peer on this machine, without TLS.
    pub fn at(address: SocketAddr) -> Result<Self, PeerError> {
        let uri = format!("http://{address}").parse();
        let address = uri.map_err(|_| PeerError::Address(address))?;
        Ok(Self { address, ca: None, domain: None, cert: None, key: None })
    }

    /// Where it is.
    pub const fn address(&self) -> &Uri {
        &self.address
    }

    /// Its host and port, as telemetry names it.
    pub fn host_and_port(&self) -> (&str, u16) {
        let port = self.address.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 });
        (self.address.host().unwrap_or_default(), port)
    }

    /// A channel to it. It connects when it is first used, and again whenever a connection is lost.
    pub fn channel(&self, keepalive: Keepalive) -> Result<PeerChannel, PeerError> {
        let mut endpoint = Endpoint::from(self.address.clone())
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(keepalive.interval)
            .keep_alive_timeout(keepalive.timeout)
            .keep_alive_while_idle(true);
        if self.is_tls() {
            let config = self.tls()?;
            let refused = |cause| PeerError::Refused { address: self.address.clone(), cause };
            endpoint = endpoint.tls_config(config).map_err(refused)?;
        }
        Ok(PeerChannel::new(&endpoint))
    }

    /// Whether nobody on the way can listen: TLS, or this very machine.
    pub(crate) fn is_private(&self) -> bool {
        let host = self.address.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        self.is_tls() || host == "localhost" || loopback
    }

    fn is_tls(&self) -> bool {
        self.address.scheme_str() == Some("https")
    }

    fn tls(&self) -> Result<ClientTlsConfig, PeerError> {
        let mut config = match &self.ca {
            None => ClientTlsConfig::new().with_native_roots(),
            Some(ca) => {
                let ca = Certificate::from_pem(pem::read(ca, Kind::Authority)?);
                ClientTlsConfig::new().ca_certificate(ca)
            }
        };
        if let Some(domain) = &self.domain {
            config = config.domain_name(domain);
        }
        match (&self.cert, &self.key) {
            (None, None) => Ok(config),
            (Some(cert), Some(key)) => {
                let (cert, key) = (pem::read(cert, Kind::Own)?, pem::read(key, Kind::Key)?);
                Ok(config.identity(Identity::from_pem(cert, key)))
            }
            (Some(_), None) | (None, Some(_)) => Err(PeerError::Half(self.address.clone())),
        }
    }
}

fn uri<'de, D: Deserializer<'de>>(from: D) -> Result<Uri, D::Error> {
    const EXPECTED: &str = "expected such as \"http://127.0.0.1:50052\" or \"https://labeler:443\"";
    let text = String::deserialize(from)?;
    let uri: Option<Uri> = text.parse().ok();
    let usable = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some()
            && uri.path().trim_start_matches('/').is_empty()
    };
    uri.filter(usable)
        .ok_or_else(|| de::Error::custom(format!("{text:?} is no address: {EXPECTED}")))
}
