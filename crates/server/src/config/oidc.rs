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
    /// What `audience_claim` must name: this, or one of these.
    pub audience: OneOrMore,
    /// The claim that says for whom a token is.
    #[serde(default = "aud")]
    pub audience_claim: Claim,
    /// Where its JWKS is; else its configuration document says so.
    pub jwks_uri: Option<String>,
    /// The algorithms of its keys.
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// What stands before `sub`; else the issuer and `#`.
    pub subject_prefix: Option<String>,
    /// Whether access tokens whose header says `JWT`, or nothing, instead of `at+jwt` are taken, too.
    #[serde(default)]
    pub plain_jwt: bool,
    /// The claim that holds scopes; `scope` if neither this nor `scopes_claims` is there.
    pub scopes_claim: Option<Claim>,
    /// The claims that hold scopes, instead of one.
    pub scopes_claims: Option<Vec<Claim>>,
    /// Which scopes a value of it means.
    #[serde(default)]
    pub scopes: BTreeMap<String, Vec<String>>,
    /// The claim that holds roles.
    pub roles_claim: Option<Claim>,
    /// The claims that hold roles, instead of one.
    pub roles_claims: Option<Vec<Claim>>,
    /// Which roles a value of it means.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// Claims that must have a value.
    #[serde(default)]
    pub require: BTreeMap<String, Required>,
    /// Certificate authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The HTTP proxy on the way to it, such as `http://proxy.example:3128`; empty for none; else `HTTPS_PROXY` and `NO_PROXY` say so.
    pub proxy: Option<String>,
    /// How often its keys are fetched at least, 10s to 24h; else as often as its `Cache-Control` says within 1m and 1h, and every 5m where it
    /// says nothing.
    #[serde(default, deserialize_with = "duration::read_some")]
    pub refresh: Option<Duration>,
    /// How long keys count that cannot be fetched again.
    #[serde(default = "keep", deserialize_with = "duration::read")]
    pub keep: Duration,
}

/// Where a claim stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Claim {
    /// Its whole name, or the names on the way to it with dots between.
    Name(String),
    /// The names on the way to it.
    Path(Vec<String>),
}

/// A text or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    More(Vec<String>),
}

impl OneOrMore {
    /// All of them.
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::More(all) => all.clone(),
        }
    }
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
    let all =
        ["RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512"];
    all.map(str::to_owned).into()
}

fn aud() -> Claim {
    Claim::Name("aud".to_owned())
}

const fn keep() -> Duration {
    Duration::from_hours(24)
}
