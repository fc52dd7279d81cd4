//! The algorithms of signatures (RFC 7518, section 3.1; RFC 8037; RFC 9864), and which keys can have them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The algorithms that tokens are signed with. A key has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256: a shared secret, whose holders can forge each other.
    #[serde(rename = "HS256")]
    Hs256,
    /// HMAC with SHA-384: only where nothing but a signature is verified.
    #[serde(rename = "HS384")]
    Hs384,
    /// HMAC with SHA-512.
    #[serde(rename = "HS512")]
    Hs512,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384: outside issuers' only, as all that follow but Ed25519.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512.
    #[serde(rename = "ES512")]
    Es512,
    /// Ed25519. It is written as `EdDSA`; its other name, `Ed25519` (RFC 9864), is read as the same.
    #[serde(rename = "EdDSA", alias = "Ed25519")]
    EdDsa,
    /// RSA with PKCS#1 v1.5 padding and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// The same with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// The same with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSA with PSS padding and SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// The same with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// The same with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
}

impl Algorithm {
    /// Every algorithm that keys of this mesh have.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Hs512, Self::Es256, Self::EdDsa];

    /// Every algorithm that keys of outside issuers may have, in the order in which a key that names none is given one. None is one of a
    /// shared secret.
    pub const OUTSIDE: [Self; 10] = [
        Self::Rs256,
        Self::Ps256,
        Self::Es256,
        Self::EdDsa,
        Self::Rs384,
        Self::Rs512,
        Self::Ps384,
        Self::Ps512,
        Self::Es384,
        Self::Es512,
    ];

    /// The algorithm of this name, whoever may have it.
    pub fn named(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        let secrets = [Self::Hs256, Self::Hs384, Self::Hs512];
        let mut all = Self::OUTSIDE.into_iter().chain(secrets);
        all.find(|known| known.as_str() == name)
    }

    /// The value of `alg` (RFC 7518, section 3.1; RFC 8037).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// Whether verifier and signer hold the same secret.
    pub const fn is_shared_secret(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// Whether a key of this type and curve can have the algorithm (RFC 7518, section 6.1; RFC 8037, section 2).
    pub(crate) fn fits(self, key_type: &str, curve: Option<&str>) -> bool {
        let of_curve = |kind: &str, name: &str| key_type == kind && curve == Some(name);
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => key_type == "oct",
            Self::Es256 => of_curve("EC", "P-256"),
            Self::Es384 => of_curve("EC", "P-384"),
            Self::Es512 => of_curve("EC", "P-521"),
            Self::EdDsa => of_curve("OKP", "Ed25519"),
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                key_type == "RSA"
            }
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no algorithm that keys of this mesh have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an algorithm; one of HS256, HS512, ES256, EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::named(text).filter(|known| Self::ALL.contains(known)).ok_or(UnknownAlgorithm)
    }
}
