//! Users from outside: what an `OpenID` Connect issuer's access tokens say, put into this mesh's words.
//!
//! Invariant: an issuer's keys vouch for that issuer's tokens and for no others; its tokens are users' tokens, and of scopes and roles
//! they have what the mapping names. What no mapping names counts for nothing.

mod claims;
mod jwks;
mod lookup;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(crate) use claims::read;
pub use jwks::{LeftOut, OutsideKeys};
pub use lookup::ClaimPath;

use crate::{Algorithm, Scopes, names};

/// The longest issuer, so that the name of each of its keys is a name.
const LONGEST_ISSUER: usize = 160;

/// An issuer of users' tokens that is not of this mesh, and what its tokens mean here.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideIssuer {
    /// Its `iss`: a URL.
    pub issuer: String,
    /// What the audience claim must name, one of these: this mesh, as the issuer calls it.
    pub audience: Vec<String>,
    /// The claim that says for whom a token is; `aud`, but for issuers that name only the client: `client_id`, `azp`.
    pub audience_claim: ClaimPath,
    /// The audiences here for which its tokens count.
    pub audiences_here: Vec<String>,
    /// The algorithms of its keys, none of them one of shared secrets. A key that says none has the first that fits it.
    pub algorithms: Vec<Algorithm>,
    /// What stands before `sub`, so that users of two issuers are two users.
    pub subject_prefix: String,
    /// Whether access tokens whose header does not say `at+jwt` (RFC 9068) are taken, too.
    pub plain_jwt: bool,
    /// The claims that hold scopes. A token that has none of them is read by its claims of roles.
    pub scopes_claims: Vec<ClaimPath>,
    /// Which scopes here a value of that claim means.
    pub scopes: BTreeMap<String, Vec<String>>,
    /// The claims that hold roles.
    pub roles_claims: Vec<ClaimPath>,
    /// Which roles here a value of that claim means.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Claims that must be there, and hold this value or have it among theirs.
    pub require: BTreeMap<String, Value>,
}

/// What is wrong with an issuer's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct OutsideProblem {
    /// The setting.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl OutsideIssuer {
    /// Which algorithms there are.
    pub const RIGHT_ALGORITHMS: &str = "right: one or more of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA";

    /// Whether the settings make sense.
    pub fn check(&self) -> Result<(), OutsideProblem> {
        let problem = |key, problem: &str| Err(OutsideProblem { key, problem: problem.to_owned() });
        let url = self.issuer.starts_with("https://") || self.issuer.starts_with("http://");
        if !url
            || self.issuer.len() > LONGEST_ISSUER
            || self.issuer.contains(['#', '?'])
            || !self.issuer.bytes().all(|byte| byte.is_ascii_graphic())
        {
            let right = "no issuer's URL; right: https://…, without query and fragment, at most 160 characters";
            return problem("issuer", right);
        }
        if self.audience.is_empty()
            || !self.audience.iter().chain(&self.audiences_here).all(|of| names::is_name(of))
        {
            return problem("audience", names::RIGHT_NAME);
        }
        self.check_claims()?;
        if self.algorithms.is_empty()
            || self.algorithms.iter().any(|of| !Algorithm::OUTSIDE.contains(of))
        {
            return problem("algorithms", Self::RIGHT_ALGORITHMS);
        }
        if self.subject_prefix.is_empty() {
            let right = "empty: its users could have the names of users of this mesh's own keys; right: a prefix of its own, such as acme:";
            return problem("subject_prefix", right);
        }
        if self.subject_prefix.len() > LONGEST_ISSUER + 1
            || self.subject_prefix.contains(char::is_control)
        {
            return problem("subject_prefix", "too long or unprintable");
        }
        if !self.scopes.values().flatten().all(|scope| names::is_scope(scope)) {
            return problem("scopes", "not a scope; right: names such as datasets:read");
        }
        if !self.roles.values().flatten().all(|role| names::is_name(role)) {
            return problem("roles", names::RIGHT_NAME);
        }
        if !self.roles.is_empty() && self.roles_claims.is_empty() {
            return problem("roles_claim", "missing; right: the claim whose values `roles` maps");
        }
        Ok(())
    }

    fn check_claims(&self) -> Result<(), OutsideProblem> {
        let audience = std::slice::from_ref(&self.audience_claim);
        let all = [
            ("audience_claim", audience),
            ("scopes_claim", &self.scopes_claims),
            ("roles_claim", &self.roles_claims),
        ];
        let wrong = |(_, claims): &(_, &[ClaimPath])| !claims.iter().all(ClaimPath::is_complete);
        match all.into_iter().find(wrong) {
            None => Ok(()),
            Some((key, _)) => {
                let problem =
                    "empty; right: a claim's name, or a list of the names on the way to it";
                Err(OutsideProblem { key, problem: problem.to_owned() })
            }
        }
    }

    /// Every scope that a token of this issuer can have here.
    pub fn all_scopes(&self) -> Scopes {
        self.scopes.values().flatten().map(String::as_str).collect()
    }

    /// Whether a user of one could bear the name of a user of the other.
    pub fn could_be_confused_with(&self, other: &Self) -> bool {
        let (one, two) = (&self.subject_prefix, &other.subject_prefix);
        one.starts_with(two.as_str()) || two.starts_with(one.as_str())
    }
}

/// The name of an outside issuer's key in this mesh: `issuer#kid`. It says whose key it is wherever it stands, and no two issuers share one.
pub(crate) fn key_name(issuer: &str, kid: &str) -> String {
    format!("{issuer}#{kid}")
}

/// Whose key it is, if it is an outside issuer's. A process that has none of that issuer's keys can tell, too.
pub(crate) fn issuer_of_key(name: &str) -> Option<&str> {
    let (issuer, _) = name.split_once('#')?;
    (issuer.starts_with("https://") || issuer.starts_with("http://")).then_some(issuer)
}

/// What the values of a claim mean here, each once.
fn mapped<'a>(
    values: impl Iterator<Item = &'a str>,
    table: &BTreeMap<String, Vec<String>>,
) -> BTreeSet<String> {
    values.filter_map(|value| table.get(value)).flatten().cloned().collect()
}
