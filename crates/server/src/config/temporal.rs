//! Where Temporal is, for jobs that it runs.
//!
//! Invariant: certificates and keys are named by their files; none is in a configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::Problem;

/// Which engine runs jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobEngine {
    /// The runner in Platform.
    #[default]
    Embedded,
    /// Temporal, with `hallpass worker`.
    Temporal,
}

/// The section `[temporal]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TemporalSection {
    /// Such as `http://127.0.0.1:7233`, or `https://…` with TLS.
    pub address: String,
    /// The namespace.
    pub namespace: String,
    /// The queue of the jobs' workflows and activities.
    pub task_queue: String,
    /// Where a worker answers health checks; nowhere if it is not said.
    pub listen: Option<SocketAddr>,
    /// Whom the server's certificate has to be signed by, in PEM; without it those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate to show, in PEM.
    pub cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub key: Option<PathBuf>,
}

impl Default for TemporalSection {
    fn default() -> Self {
        Self {
            address: "http://127.0.0.1:7233".to_owned(),
            namespace: "default".to_owned(),
            task_queue: "hallpass".to_owned(),
            listen: None,
            ca: None,
            cert: None,
            key: None,
        }
    }
}

impl TemporalSection {
    /// Whether what is said of TLS goes together.
    pub(super) fn check(&self, plaintext: bool) -> Result<(), Problem> {
        let wrong = |key: &str, problem: &str| {
            let key = format!("temporal.{key}");
            Err(Problem { key, source: None, problem: problem.to_owned() })
        };
        let is_tls = self.address.starts_with("https://");
        if !is_tls && !self.address.starts_with("http://") {
            return wrong("address", "is no URL; right: such as http://127.0.0.1:7233");
        }
        if !is_tls && !plaintext && !is_loopback(&self.address) {
            return wrong(
                "address",
                "is beyond loopback and not https; use https, or set insecure_plaintext",
            );
        }
        if !is_tls && (self.ca.is_some() || self.cert.is_some() || self.key.is_some()) {
            return wrong(
                "address",
                "is not https, and certificates are named; right: https://, or none",
            );
        }
        match (&self.cert, &self.key) {
            (Some(_), None) => wrong("key", "is not set; right: the certificate's key"),
            (None, Some(_)) => wrong("cert", "is not set; right: the key's certificate"),
            _ => Ok(()),
        }
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address.trim_start_matches("http://").split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_named() {
        let at = |address: &str| TemporalSection {
            address: address.to_owned(),
            ..TemporalSection::default()
        };
        let file = || Some(PathBuf::from("x.pem"));
        for (section, key) in [
            (TemporalSection::default(), None),
            (at("https://temporal.example:7233"), None),
            (at("http://localhost:7233"), None),
            (at("http://[::1]:7233"), None),
            (at("127.0.0.1:7233"), Some("temporal.address")),
            (at("http://10.0.0.1:7233"), Some("temporal.address")),
            (at("http://127.0.0.1.example:7233"), Some("temporal.address")),
            (
                TemporalSection { ca: file(), ..TemporalSection::default() },
                Some("temporal.address"),
            ),
            (TemporalSection { cert: file(), ..at("https://x") }, Some("temporal.key")),
            (TemporalSection { key: file(), ..at("https://x") }, Some("temporal.cert")),
        ] {
            let problem = section.check(false).err().map(|problem| problem.key);
            assert_eq!(problem.as_deref(), key, "{section:?}");
        }
        assert!(at("http://10.0.0.1:7233").check(true).is_ok());
    }
}
