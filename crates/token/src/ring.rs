//! The key ring: every key that this process trusts, looked up by `kid` in a map.
//!
//! Invariant: names and key material are unique in a ring, so a token can be of one key only.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::error::Flaw;
use crate::wire::{Compact, MAX_TOKEN};
use crate::{
    Key, KeyState, OutsideKeys, Profile, RingError, SecretRef, TokenError, TokenType, outside,
    ring_file,
};

/// The keys that this process trusts, and those that it signs with. Its `Debug` shows no key material.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: Vec<Key>,
    by_kid: HashMap<String, usize>,
    /// The keys of outside issuers, by issuer.
    outside: Arc<HashMap<String, OutsideKeys>>,
}

impl KeyRing {
    /// Reads a ring file: a JWKS (RFC 7517) whose keys each have a member `hallpass`. `resolve` fetches what a `secret` names.
    pub fn parse(
        json: &str,
        resolve: &dyn Fn(&SecretRef) -> Result<SecretString, String>,
    ) -> Result<Self, RingError> {
        Self::new(ring_file::read(json, resolve)?)
    }

    /// A ring of these keys.
    pub fn new(keys: Vec<Key>) -> Result<Self, RingError> {
        check_names(&keys)?;
        check_material(&keys)?;
        check_unnamed(&keys)?;
        let by_kid = keys.iter().enumerate();
        let by_kid = by_kid.map(|(index, key)| (key.kid().to_owned(), index)).collect();
        Ok(Self { keys, by_kid, outside: Arc::default() })
    }

    /// The same ring with these keys of an outside issuer in place of those that it had of that issuer.
    #[must_use]
    pub fn with_outside(&self, keys: OutsideKeys) -> Self {
        let mut outside = HashMap::clone(&self.outside);
        outside.insert(keys.issuer().issuer.clone(), keys);
        Self { outside: Arc::new(outside), ..self.clone() }
    }

    /// The same ring with another's outside issuers.
    #[must_use]
    pub fn with_outside_of(self, other: &Self) -> Self {
        Self { outside: Arc::clone(&other.outside), ..self }
    }

    /// The keys of an outside issuer.
    pub fn outside(&self, issuer: &str) -> Option<&OutsideKeys> {
        self.outside.get(issuer)
    }

    /// The outside issuer that a token names as its own. Nothing vouches for it.
    pub fn claimed_outside(&self, token: &str) -> Option<&OutsideKeys> {
        let compact = Compact::cut(token, MAX_TOKEN).ok()?;
        self.claimed(&compact).ok()?
    }

    pub(crate) fn claimed(
        &self,
        compact: &Compact<'_>,
    ) -> Result<Option<&OutsideKeys>, TokenError> {
        if self.outside.is_empty() {
            return Ok(None);
        }
        let payload = compact.payload()?;
        Ok(payload.get("iss").and_then(Value::as_str).and_then(|issuer| self.outside(issuer)))
    }

    /// The key of this name; of outside issuers' keys the name is `issuer#kid`.
    pub fn key(&self, kid: &str) -> Option<&Key> {
        self.own_key(kid).or_else(|| {
            let issuer = outside::issuer_of_key(kid)?;
            self.outside(issuer)?.key(kid.get(issuer.len() + 1..)?)
        })
    }

    /// The key of this name among those of this mesh.
    pub(crate) fn own_key(&self, kid: &str) -> Option<&Key> {
        self.keys.get(*self.by_kid.get(kid)?)
    }

    /// All keys of this mesh, in the file's order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.keys.iter()
    }

    /// Whether all that mint under this issuer's name have this process's clock. What nobody here mints for, may be anybody's.
    pub fn shares_clock_with_issuer(&self, issuer: &str) -> bool {
        all_share_clock(self.keys().filter(|key| key.issuer() == issuer))
    }

    /// Whether all that mint for this service, or for a part of one, have this process's clock.
    pub fn shares_clock_with_service(&self, service: &str) -> bool {
        let mints_for = |key: &&Key| {
            let part = service.strip_prefix(key.owner());
            part.is_some_and(|part| part.is_empty() || part.starts_with('-'))
        };
        all_share_clock(self.keys().filter(mints_for))
    }

    /// Under which issuers' names the first token of a subject can stand: whoever mints for users, and the outside issuers whose users have
    /// such names. What this process signs for users descends from a token of theirs.
    pub fn issuers_of(&self, subject: &str) -> BTreeSet<String> {
        let names_users =
            |key: &&Key| key.types().iter().any(|kind| *kind != TokenType::Background);
        let keys = self.keys().filter(|key| key.state() != KeyState::Retired && !signs_here(key));
        let keys = keys.filter(names_users);
        let known = keys.map(|key| key.issuer().to_owned());
        let outside = self.outside.values().map(OutsideKeys::issuer);
        let outside = outside.filter(|outside| subject.starts_with(&outside.subject_prefix));
        known.chain(outside.map(|outside| outside.issuer.clone())).collect()
    }

    /// The key with which a service signs tokens of this kind: active, and with its private part here. The first one where the
    /// ring has several.
    pub fn active_signer(&self, owner: &str, token_type: TokenType) -> Option<&Key> {
        self.keys().find(|key| {
            key.owner() == owner
                && key.state() == KeyState::Active
                && key.can_sign()
                && key.may_sign(token_type)
        })
    }

    /// The public keys as a JWKS to give away: no secret, no private member, no retired key.
    pub fn public_jwks(&self) -> Value {
        Self::jwks(self.keys())
    }

    /// The same of one owner's keys.
    pub fn public_jwks_of(&self, owner: &str) -> Value {
        Self::jwks(self.keys().filter(|key| key.owner() == owner))
    }

    fn jwks<'a>(keys: impl Iterator<Item = &'a Key>) -> Value {
        let public = keys.filter(|key| key.state() != KeyState::Retired);
        let public = public.filter_map(Key::public);
        let keys: Vec<_> = public.map(|key| ring_file::public_jwk(&key)).collect();
        json!({ "keys": keys })
    }

    /// The ring as a file, with the private parts. Secrets that came by reference stay references.
    pub fn to_json(&self) -> SecretString {
        let keys: Vec<_> = self.keys().map(ring_file::write).collect();
        format!("{:#}\n", json!({ "keys": keys })).into()
    }

    /// The keys of other minters, whose tokens need no `kid`.
    pub(crate) fn unnamed(&self) -> impl Iterator<Item = &Key> {
        self.keys().filter(|key| takes_unnamed(key))
    }
}

/// Whether there are some, and all that may still sign have this process's clock.
fn all_share_clock<'a>(keys: impl Iterator<Item = &'a Key>) -> bool {
    let mut signing = keys.filter(|key| key.state() != KeyState::Retired).peekable();
    signing.peek().is_some() && signing.all(|key| key.shares_clock() || signs_here(key))
}

/// Whether this process is the one that signs with the key: of a shared secret nobody can tell.
fn signs_here(key: &Key) -> bool {
    key.can_sign() && !key.algorithm().is_shared_secret()
}

fn takes_unnamed(key: &Key) -> bool {
    key.profile() != Profile::Standard && key.state() != KeyState::Retired
}

fn check_names(keys: &[Key]) -> Result<(), RingError> {
    first_pair(keys, |one, other| one.kid() == other.kid()).map_or(Ok(()), |(_, other)| {
        let problem = "two keys have this name; right: a name of its own for each";
        Err(Flaw::new("kid", problem).of(other.kid()))
    })
}

fn check_material(keys: &[Key]) -> Result<(), RingError> {
    let same = |one: &Key, other: &Key| one.material().identity() == other.material().identity();
    first_pair(keys, same).map_or(Ok(()), |(one, other)| {
        let problem =
            format!("the same key as {}; right: a key of its own for each entry", one.kid());
        Err(Flaw::new("alg", problem).of(other.kid()))
    })
}

/// A token without `kid` is tried with few keys: at most one active and one next of each profile.
fn check_unnamed(keys: &[Key]) -> Result<(), RingError> {
    let alike = |one: &Key, other: &Key| {
        takes_unnamed(one)
            && takes_unnamed(other)
            && (one.profile(), one.state()) == (other.profile(), other.state())
    };
    first_pair(keys, alike).map_or(Ok(()), |(one, other)| {
        let problem = format!(
            "{} has the same profile and state, and tokens of this profile may have no kid; right: one active and one next \
             key for each profile",
            one.kid()
        );
        Err(Flaw::new("profile", problem).of(other.kid()))
    })
}

/// The first key that is like an earlier one. Rings are short.
fn first_pair(keys: &[Key], like: impl Fn(&Key, &Key) -> bool) -> Option<(&Key, &Key)> {
    keys.iter().enumerate().find_map(|(index, other)| {
        keys[..index].iter().find(|one| like(one, other)).map(|one| (one, other))
    })
}
