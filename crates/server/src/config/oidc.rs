//! Issuers of users' tokens outside this mesh, as `[[oidc]]` names them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// One issuer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSection {
    /// Its `iss`.
    pub issuer: String,
    /// What `aud` must name.
    pub audience: String,
    /// Where its JWKS is; else its configuration document says so.
    pub jwks_uri: Option<String>,
    /// The algorithms of its keys.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// What stands before `sub`; else the issuer and `#`.
    pub subject_prefix: Option<String>,
    /// Whether access tokens whose header does not say `at+jwt` are taken, too.
    #[serde(default)]
    pub plain_jwt: bool,
    /// The claim that holds scopes.
    #[serde(default = "scope")]
    pub scopes_claim: String,
    /// Which scopes a value of it means.
    #[serde(default)]
    pub scopes: BTreeMap<String, Vec<String>>,
    /// The claim that holds roles.
    pub roles_claim: Option<String>,
    /// Which roles a value of it means.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// Claims that must have a value.
    #[serde(default)]
    pub require: BTreeMap<String, Required>,
    /// Certificate authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// How often its keys are fetched.
    #[serde(default = "refresh", deserialize_with = "duration::read")]
    pub refresh: Duration,
    /// How long keys count that cannot be fetched again.
    #[serde(default = "keep", deserialize_with = "duration::read")]
    pub keep: Duration,
}

/// The value that a claim must have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Required {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

fn algorithms() -> Vec<String> {
    ["RS256", "PS256", "ES256", "EdDSA"].map(str::to_owned).into()
}

fn scope() -> String {
    "scope".to_owned()
}

const fn refresh() -> Duration {
    Duration::from_mins(5)
}

const fn keep() -> Duration {
    Duration::from_hours(24)
}
