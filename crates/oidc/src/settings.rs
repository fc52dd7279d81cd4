//! What a process is told of outside issuers, checked before the first of them is asked.

use std::path::PathBuf;
use std::time::Duration;

use hallpass_token::{OutsideIssuer, OutsideProblem};

use crate::place::{self, Place};
use crate::proxy::ProxySettings;
use crate::schedule;

/// One issuer, where its keys are, and how long they count.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// The issuer, and what its tokens mean.
    pub issuer: OutsideIssuer,
    /// Where its JWKS is; without it the issuer's own `/.well-known/openid-configuration` says so.
    pub jwks_uri: Option<String>,
    /// Certificate authorities to trust besides the system's, as a PEM file.
    pub ca: Option<PathBuf>,
    /// The proxy on the way to it.
    pub proxy: ProxySettings,
    /// How often the keys are fetched at least; without it as often as the issuer's `Cache-Control` says, within a minute and an hour, and
    /// every 5 minutes where it says nothing.
    pub refresh: Option<Duration>,
    /// How long keys count that could not be fetched again.
    pub keep: Duration,
}

/// Why outside issuers cannot be taken as they are set.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// A setting of one issuer.
    #[error("oidc {issuer}: {problem}")]
    Setting {
        /// Its `issuer`.
        issuer: String,
        /// The setting and what is wrong with it.
        problem: OutsideProblem,
    },
    /// Two issuers, or an issuer and a key of this mesh, would be one.
    #[error("oidc {issuer}: {problem}")]
    Clash {
        /// Its `issuer`.
        issuer: String,
        /// With what it clashes and what would be right.
        problem: String,
    },
    /// The HTTP client cannot be made.
    #[error("oidc {issuer}: {problem}")]
    Client {
        /// Its `issuer`.
        issuer: String,
        /// Why.
        problem: String,
    },
}

/// How often an issuer may be asked at most, and must be asked at least.
const REFRESH: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(10)..=Duration::from_hours(24);

impl IssuerSettings {
    /// Whether the settings make sense. `development` allows plaintext on loopback.
    pub(crate) fn check(&self, development: bool) -> Result<(), OidcError> {
        let wrong = |problem| OidcError::Setting { issuer: self.issuer.issuer.clone(), problem };
        let problem =
            |key, problem: &str| Err(wrong(OutsideProblem { key, problem: problem.to_owned() }));
        self.issuer.check().map_err(wrong)?;
        // With a JWKS elsewhere the issuer is a name that nobody fetches.
        if self.jwks_uri.is_none() && Place::parse(&self.issuer.issuer, development).is_none() {
            return problem("issuer", place::RIGHT);
        }
        if self.jwks_uri.as_ref().is_some_and(|uri| Place::parse(uri, development).is_none()) {
            return problem("jwks_uri", place::RIGHT);
        }
        if self.refresh.is_some_and(|refresh| !REFRESH.contains(&refresh)) {
            return problem("refresh", "right: 10s to 24h");
        }
        if self.keep < self.refresh.unwrap_or(schedule::USUAL_REFRESH) {
            return problem("keep", "shorter than refresh; right: at least as long");
        }
        Ok(())
    }
}

/// Whether each issuer is another, and no two users of different issuers can bear one name.
pub(crate) fn check_together(all: &[IssuerSettings]) -> Result<(), OidcError> {
    for (place, one) in all.iter().enumerate() {
        for other in &all[..place] {
            let (one, other) = (&one.issuer, &other.issuer);
            let problem = if one.issuer == other.issuer {
                "is there twice; right: once".to_owned()
            } else if one.could_be_confused_with(other) {
                format!(
                    "subject_prefix: a user of it could have the name of a user of {}; right: prefixes of which none begins with \
                     another",
                    other.issuer
                )
            } else {
                continue;
            };
            return Err(OidcError::Clash { issuer: one.issuer.clone(), problem });
        }
    }
    Ok(())
}
