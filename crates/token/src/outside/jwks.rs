//! An outside issuer's keys, read out of its JWKS (RFC 7517).
//!
//! Promise: a key is taken whole or not at all, with one algorithm; whatever else the set holds changes nothing about those taken.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::{OutsideIssuer, key_name};
use crate::error::Flaw;
use crate::material::{Material, fixed};
use crate::ring_members::Members;
use crate::{Algorithm, Key, KeySpec, KeyState, Profile, RingError, TokenType, names, strict_json};

/// The most keys that a set may hold, used or not.
const MOST_KEYS: usize = 64;

/// The longest `kid`, in bytes. Thumbprints and URLs of key vaults have about 100.
const LONGEST_KID: usize = 256;

/// What only the holder of a private key or of a shared secret has (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of one outside issuer.
#[derive(Debug, Clone)]
pub struct OutsideKeys {
    issuer: Arc<OutsideIssuer>,
    by_kid: BTreeMap<String, Key>,
}

/// A key of the set that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its `kid`, or its place in the set.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether the issuer has published what must stay secret: whoever has read the set can sign with that key.
    pub leaked: bool,
}

impl OutsideKeys {
    /// None yet: the issuer is known and each of its tokens is refused.
    pub const fn none(issuer: Arc<OutsideIssuer>) -> Self {
        Self { issuer, by_kid: BTreeMap::new() }
    }

    /// Reads a JWKS. What cannot be read at all is an error; keys that cannot be used are left out.
    pub fn read(
        issuer: &Arc<OutsideIssuer>,
        jwks: &[u8],
    ) -> Result<(Self, Vec<LeftOut>), RingError> {
        let unreadable = |problem: &str| RingError::Unreadable(problem.to_owned());
        let mut set = strict_json::object(jwks).map_err(unreadable)?;
        let Some(Value::Array(entries)) = set.remove("keys") else {
            return Err(unreadable("no array \"keys\"; right: a JWKS, {\"keys\":[…]}"));
        };
        if entries.len() > MOST_KEYS {
            return Err(unreadable("more than 64 keys"));
        }
        let mut keys = Self::none(Arc::clone(issuer));
        let mut left_out = Vec::new();
        let mut twice = Vec::new();
        for (place, entry) in entries.into_iter().enumerate() {
            match read_key(issuer, place, entry) {
                Ok((kid, key)) => keys.add(kid, key, &mut twice),
                Err(left) => left_out.push(left),
            }
        }
        for kid in twice {
            keys.by_kid.remove(&kid);
            let problem = "two different keys have this name".to_owned();
            left_out.push(LeftOut { key: kid, problem, leaked: false });
        }
        Ok((keys, left_out))
    }

    /// Whose they are, and what its tokens mean.
    pub const fn issuer(&self) -> &Arc<OutsideIssuer> {
        &self.issuer
    }

    /// Their names, as the issuer gives them.
    pub fn kids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.by_kid.keys().map(String::as_str)
    }

    /// The key of this `kid`.
    pub(crate) fn key(&self, kid: &str) -> Option<&Key> {
        self.by_kid.get(kid)
    }

    /// Whether both hold the same keys.
    pub fn are_same(&self, other: &Self) -> bool {
        let pairs = || self.by_kid.iter().zip(&other.by_kid);
        self.by_kid.len() == other.by_kid.len()
            && pairs()
                .all(|((kid, key), (others, other))| kid == others && key.is_same_entry(other))
    }

    /// The same key twice is one; two keys of one name are ambiguous, and none of them is used.
    fn add(&mut self, kid: String, key: Key, twice: &mut Vec<String>) {
        match self.by_kid.get(&kid) {
            Some(known) if !known.is_same_entry(&key) => twice.push(kid),
            _ => drop(self.by_kid.insert(kid, key)),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.key, self.problem)
    }
}

fn read_key(
    issuer: &Arc<OutsideIssuer>,
    place: usize,
    entry: Value,
) -> Result<(String, Key), LeftOut> {
    let place = format!("number {}", place + 1);
    let left_out =
        |key: &str, problem: String, leaked| LeftOut { key: key.to_owned(), problem, leaked };
    let Value::Object(jwk) = entry else {
        return Err(left_out(&place, "not an object".to_owned(), false));
    };
    let kid = jwk.get("kid").and_then(Value::as_str);
    let Some(kid) =
        kid.filter(|kid| names::is_name(kid) && kid.len() <= LONGEST_KID).map(str::to_owned)
    else {
        return Err(left_out(&place, "no kid, or one that is no name".to_owned(), false));
    };
    if let Some(member) = PRIVATE.iter().find(|member| jwk.contains_key(**member)) {
        let problem = format!("has the private member {member}, which everybody can read now");
        return Err(left_out(&kid, problem, true));
    }
    let material = read_material(issuer, Members::new(jwk));
    let material = material.map_err(|flaw| left_out(&kid, flaw.to_string(), false))?;
    let key = Key::outside(spec(issuer, &kid), material, Arc::clone(issuer));
    Ok((kid, key))
}

fn read_material(issuer: &OutsideIssuer, mut jwk: Members) -> Result<Material, Flaw> {
    if jwk.optional_text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(Flaw::new("use", "not for signatures"));
    }
    let operations = jwk.optional_names("key_ops")?;
    if operations.is_some_and(|all| !all.iter().any(|one| one == "verify")) {
        return Err(Flaw::new("key_ops", "not for verifying"));
    }
    let family = (jwk.optional_text("kty")?, jwk.optional_text("crv")?);
    let fits = |algorithm: &Algorithm| match (family.0.as_deref(), family.1.as_deref()) {
        (Some("RSA"), None) => matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256),
        (Some("EC"), Some("P-256")) => *algorithm == Algorithm::Es256,
        (Some("OKP"), Some("Ed25519")) => *algorithm == Algorithm::EdDsa,
        _ => false,
    };
    let declared = jwk.optional_text("alg")?;
    let declared_is =
        |algorithm: &Algorithm| declared.as_deref().is_none_or(|alg| alg == algorithm.as_str());
    let mut allowed = issuer.algorithms.iter().copied();
    match allowed.find(|algorithm| fits(algorithm) && declared_is(algorithm)) {
        Some(algorithm @ (Algorithm::Rs256 | Algorithm::Ps256)) => {
            Material::rsa(algorithm, jwk.bytes("n")?, jwk.bytes("e")?)
        }
        Some(Algorithm::Es256) => {
            let x: [u8; 32] = fixed("x", &jwk.bytes("x")?)?;
            let y: [u8; 32] = fixed("y", &jwk.bytes("y")?)?;
            Material::p256(fixed("x", &[&[4], &x[..], &y[..]].concat())?, None)
        }
        Some(Algorithm::EdDsa) => Material::ed25519(fixed("x", &jwk.bytes("x")?)?, None),
        Some(Algorithm::Hs256 | Algorithm::Hs512) | None => {
            Err(Flaw::new("alg", "none of the algorithms that the settings of its issuer allow"))
        }
    }
}

fn spec(issuer: &OutsideIssuer, kid: &str) -> KeySpec {
    KeySpec {
        kid: key_name(&issuer.issuer, kid),
        issuer: issuer.issuer.clone(),
        owner: issuer.issuer.clone(),
        types: vec![TokenType::User],
        scopes: issuer.all_scopes(),
        audiences: issuer.audiences_here.clone(),
        state: KeyState::Active,
        profile: Profile::Outside,
        no_expiry: false,
        roots: None,
        max_life: None,
    }
}
