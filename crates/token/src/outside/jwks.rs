//! An outside issuer's keys, read out of its JWKS (RFC 7517).
//!
//! Promise: a key is taken whole or not at all, with one algorithm; whatever else the set holds changes nothing about those taken.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{OutsideIssuer, key_name};
use crate::error::Flaw;
use crate::jwk::{self, Jwk};
use crate::material::Material;
use crate::{
    Algorithm, Key, KeySpec, KeyState, Profile, RingError, TokenError, TokenType, names, ring_file,
};

/// The longest `kid`, in bytes. Thumbprints and URLs of key vaults have about 100.
const LONGEST_KID: usize = 256;

/// What only the holder of a private key or of a shared secret has (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of one outside issuer. Several may have one name, each with another algorithm.
#[derive(Debug, Clone)]
pub struct OutsideKeys {
    issuer: Arc<OutsideIssuer>,
    by_name: BTreeMap<String, Vec<Key>>,
    /// The names of those that the issuer has given none.
    nameless: BTreeSet<String>,
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
        Self { issuer, by_name: BTreeMap::new(), nameless: BTreeSet::new() }
    }

    /// Reads a JWKS. What cannot be read at all is an error; keys that cannot be used are left out.
    pub fn read(
        issuer: &Arc<OutsideIssuer>,
        jwks: &[u8],
    ) -> Result<(Self, Vec<LeftOut>), RingError> {
        let mut found = Vec::new();
        let mut left_out = Vec::new();
        for (place, entry) in jwk::entries(jwks)?.into_iter().enumerate() {
            match Found::read(issuer, place, entry) {
                Ok(key) => found.push(key),
                Err(left) => left_out.push(left),
            }
        }
        let mut keys = Self::none(Arc::clone(issuer));
        let mut twice = Vec::new();
        for found in drop_ambiguous(found, &mut left_out) {
            keys.add(found, &mut twice);
        }
        for (name, algorithm) in twice {
            keys.remove(&name, algorithm);
            let problem = format!("two different keys have this name and {algorithm}");
            left_out.push(LeftOut { key: name, problem, leaked: false });
        }
        Ok((keys, left_out))
    }

    /// Whose they are, and what its tokens mean.
    pub const fn issuer(&self) -> &Arc<OutsideIssuer> {
        &self.issuer
    }

    /// Their names, as the issuer gives them; a key without one is called after its thumbprint (RFC 7638).
    pub fn kids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// A key of this name.
    pub(crate) fn key(&self, name: &str) -> Option<&Key> {
        self.by_name.get(name)?.first()
    }

    /// The key that a token's header means: of this `kid` and `alg`. A token without `kid` means the key that has none either, or the set's
    /// sole key (`OpenID` Connect Core, section 10.1).
    pub(crate) fn signer(
        &self,
        kid: Option<&str>,
        algorithm: Option<Algorithm>,
    ) -> Result<&Key, TokenError> {
        let fits = |key: &&Key| Some(key.algorithm()) == algorithm;
        if let Some(kid) = kid {
            let named = self.by_name.get(kid).ok_or(TokenError::UnknownKey)?;
            return named.iter().find(fits).ok_or(TokenError::Algorithm);
        }
        let mut all = self.by_name.values().flatten();
        if let (Some(sole), None) = (all.next(), all.next()) {
            return Some(sole).filter(fits).ok_or(TokenError::Algorithm);
        }
        let mut nameless = self.nameless.iter().filter_map(|name| self.by_name.get(name)).flatten();
        nameless.find(fits).ok_or(TokenError::UnknownKey)
    }

    /// Whether both hold the same keys.
    pub fn are_same(&self, other: &Self) -> bool {
        let all = |keys: &'_ Self| keys.by_name.values().flatten().cloned().collect::<Vec<_>>();
        let (one, two) = (all(self), all(other));
        one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| one.is_same_entry(two))
    }

    /// The same key twice is one; two keys of one name and algorithm are ambiguous, and none of them is used.
    fn add(&mut self, found: Found, twice: &mut Vec<(String, Algorithm)>) {
        let Found { name, key, is_named, .. } = found;
        if !is_named {
            self.nameless.insert(name.clone());
        }
        let named = self.by_name.entry(name.clone()).or_default();
        match named.iter().find(|known| known.algorithm() == key.algorithm()) {
            Some(known) if known.is_same_entry(&key) => {}
            Some(_) => twice.push((name, key.algorithm())),
            None => named.push(key),
        }
    }

    fn remove(&mut self, name: &str, algorithm: Algorithm) {
        if let Some(named) = self.by_name.get_mut(name) {
            named.retain(|key| key.algorithm() != algorithm);
            if named.is_empty() {
                self.by_name.remove(name);
            }
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.key, self.problem)
    }
}

/// A key that can be used.
struct Found {
    /// The number in the set, for people.
    place: String,
    name: String,
    is_named: bool,
    key: Key,
}

impl Found {
    fn read(issuer: &Arc<OutsideIssuer>, place: usize, entry: Value) -> Result<Self, LeftOut> {
        let place = format!("number {}", place + 1);
        let left_out =
            |key: &str, problem: String, leaked| LeftOut { key: key.to_owned(), problem, leaked };
        let Value::Object(members) = entry else {
            return Err(left_out(&place, "not an object".to_owned(), false));
        };
        let kid = kid(&members).map_err(|flaw| left_out(&place, flaw.to_string(), false))?;
        let called = kid.as_deref().unwrap_or(&place);
        if let Some(member) = PRIVATE.iter().find(|member| holds(&members, member)) {
            let problem = format!("has the private member {member}, which everybody can read now");
            return Err(left_out(called, problem, true));
        }
        let material = read_material(issuer, members);
        let material = material.map_err(|flaw| left_out(called, flaw.to_string(), false))?;
        let key =
            |name: &str, material| Key::outside(spec(issuer, name), material, Arc::clone(issuer));
        let name = match &kid {
            Some(kid) => kid.clone(),
            None => ring_file::thumbprint(&key("", material.clone())),
        };
        Ok(Self { place, key: key(&name, material), name, is_named: kid.is_some() })
    }
}

/// The key's name, if it has one. An empty one is none.
fn kid(members: &Map<String, Value>) -> Result<Option<String>, Flaw> {
    match members.get("kid") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(kid)) if kid.is_empty() => Ok(None),
        Some(Value::String(kid)) if names::is_name(kid) && kid.len() <= LONGEST_KID => {
            Ok(Some(kid.clone()))
        }
        Some(_) => Err(Flaw::new("kid", "not a name")),
    }
}

/// Whether the member says anything: some serializers write all that there are.
fn holds(members: &Map<String, Value>, member: &str) -> bool {
    match members.get(member) {
        None | Some(Value::Null) => false,
        Some(Value::Array(all)) => !all.is_empty(),
        Some(_) => true,
    }
}

/// A key without a name is used where no other has its algorithm: a token that names no key can mean no other.
fn drop_ambiguous(found: Vec<Found>, left_out: &mut Vec<LeftOut>) -> Vec<Found> {
    let mut keys_of: HashMap<Algorithm, HashSet<[u8; 32]>> = HashMap::new();
    for one in &found {
        keys_of.entry(one.key.algorithm()).or_default().insert(one.key.material().identity());
    }
    let is_only = |key: &Key| keys_of.get(&key.algorithm()).is_some_and(|all| all.len() == 1);
    let (kept, dropped): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| one.is_named || is_only(&one.key));
    left_out.extend(dropped.into_iter().map(|one| {
        let problem = format!("no kid, and it is not the only key for {}", one.key.algorithm());
        LeftOut { key: one.place, problem, leaked: false }
    }));
    kept
}

fn read_material(issuer: &OutsideIssuer, members: Map<String, Value>) -> Result<Material, Flaw> {
    let jwk = Jwk::read(members)?;
    let mut allowed = issuer.algorithms.iter().copied();
    let algorithm = allowed.find(|algorithm| jwk.allows(*algorithm)).ok_or_else(|| {
        Flaw::new("alg", "none of the algorithms that the settings of its issuer allow")
    })?;
    jwk.material(algorithm)
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
