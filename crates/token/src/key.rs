//! A key of the ring: what verifies or signs, and everything that it is allowed to sign.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::material::{Material, Parts};
use crate::{Algorithm, KeySpec, OutsideIssuer, Scopes, TokenType};

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Verifies already and does not sign yet: verifiers learn it before its first token.
    Next,
    /// Signs and verifies.
    #[default]
    Active,
    /// Does neither; kept so that its tokens are refused by name.
    Retired,
}

/// Which form of token a key's minter makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Hallpass' own.
    #[default]
    #[serde(rename = "standard")]
    Standard,
    /// Service and background tokens without `iss`, `aud` and `jti`; the key's entry says at which audience they count.
    #[serde(rename = "hybrid-v1")]
    HybridV1,
    /// User tokens of `sub`, `iat` and an optional `exp`; the key's entry gives scopes and audience.
    #[serde(rename = "bearer-v1")]
    BearerV1,
    /// User tokens with storage grants, in short claims or full ones: `iss aud sub iat exp jti`, `s p r b l`, and no `type`.
    #[serde(rename = "storage-v1")]
    StorageV1,
    /// Users' access tokens of an outside issuer; its settings say what they mean. No ring file has such a key.
    #[serde(rename = "outside", skip_deserializing)]
    Outside,
}

/// A key of the ring. Its `Debug` shows no key material.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    spec: KeySpec,
    material: Material,
    outside: Option<Arc<OutsideIssuer>>,
    shares_clock: bool,
}

impl Key {
    pub(crate) fn new(spec: KeySpec, material: Material) -> Self {
        let algorithm = material.algorithm();
        Self { algorithm, spec, material, outside: None, shares_clock: false }
    }

    /// The same key, whose minter has the clock of this ring's process, or has not. One that has stamps fractions of a second, and is taken
    /// to be ahead by a second at most, so that a cut-off of its tokens is exact.
    #[must_use]
    pub fn sharing_clock(self, shares_clock: bool) -> Self {
        Self { shares_clock, ..self }
    }

    /// Whether the key's minter has the clock of this ring's process.
    pub const fn shares_clock(&self) -> bool {
        self.shares_clock
    }

    /// A key of an outside issuer.
    pub(crate) fn outside(spec: KeySpec, material: Material, issuer: Arc<OutsideIssuer>) -> Self {
        Self { outside: Some(issuer), ..Self::new(spec, material) }
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.spec.kid
    }

    /// Its one algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.spec.issuer
    }

    /// The service that owns it.
    pub fn owner(&self) -> &str {
        &self.spec.owner
    }

    /// The kinds of token that it may sign.
    pub fn types(&self) -> &[TokenType] {
        &self.spec.types
    }

    /// The scopes that it may sign.
    pub const fn scopes(&self) -> &Scopes {
        &self.spec.scopes
    }

    /// The audiences that it may sign for.
    pub fn audiences(&self) -> &[String] {
        &self.spec.audiences
    }

    /// Where it is in its life.
    pub const fn state(&self) -> KeyState {
        self.spec.state
    }

    /// The form of its tokens.
    pub const fn profile(&self) -> Profile {
        self.spec.profile
    }

    /// All that its entry says.
    pub const fn spec(&self) -> &KeySpec {
        &self.spec
    }

    /// Whether the other entry is this one: the same key, for the same purposes, at the same point of its life.
    pub fn is_same_entry(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm
            && self.spec == other.spec
            && self.material.identity() == other.material.identity()
    }

    /// Whether its entry allows this kind of token.
    pub fn may_sign(&self, token_type: TokenType) -> bool {
        self.spec.types.contains(&token_type)
    }

    /// Whether its tokens may be for this audience.
    pub fn may_reach(&self, audience: &str) -> bool {
        self.spec.audiences.iter().any(|allowed| allowed == audience)
    }

    /// Whether its user tokens may live for ever.
    pub const fn allows_no_expiry(&self) -> bool {
        self.spec.no_expiry || matches!(self.spec.profile, Profile::BearerV1)
    }

    /// The issuers whose users' tokens its own may descend from, where its entry names them.
    pub fn roots(&self) -> Option<&[String]> {
        self.spec.roots.as_deref()
    }

    /// The longest that a token of this kind may live; `None` for ever, which only user tokens can and only where the entry allows it.
    pub fn longest_life(&self, kind: TokenType) -> Option<Duration> {
        if kind == TokenType::User && self.allows_no_expiry() {
            return None;
        }
        let of_kind = kind.longest_life();
        Some(self.spec.max_life.map_or(of_kind, |own| own.min(of_kind)))
    }

    /// Whether the ring holds what signs.
    pub fn can_sign(&self) -> bool {
        self.material.can_sign()
    }

    /// Whether its entry holds what signs, so that its file is nobody else's to read. A secret by reference is elsewhere.
    pub fn is_secret_in_file(&self) -> bool {
        match self.material.parts() {
            Parts::Secret { source, .. } => source.is_none(),
            Parts::Ed25519 { d, .. } | Parts::P256 { d, .. } => d.is_some(),
            Parts::Ec { .. } | Parts::Rsa { .. } => false,
        }
    }

    /// The key as other processes hold it, without what signs; `None` for a shared secret, which has no public part.
    pub fn public(&self) -> Option<Self> {
        Some(Self { material: self.material.public()?, ..self.clone() })
    }

    /// The same key at another point of its life.
    #[must_use]
    pub fn in_state(&self, state: KeyState) -> Self {
        Self { spec: KeySpec { state, ..self.spec.clone() }, ..self.clone() }
    }

    /// What tokens of an outside issuer mean; `None` for keys of this mesh.
    pub(crate) fn outside_issuer(&self) -> Option<&OutsideIssuer> {
        self.outside.as_deref()
    }

    pub(crate) const fn material(&self) -> &Material {
        &self.material
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("algorithm", &self.algorithm)
            .field("spec", &self.spec)
            .field("can_sign", &self.can_sign())
            .finish_non_exhaustive()
    }
}
