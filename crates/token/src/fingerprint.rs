//! The identity of anything that can be revoked, in 16 bytes.
//!
//! Invariant: different things have different fingerprints, whatever their names hold: a kind tag and each part's length are
//! hashed with the parts.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The first 16 bytes of a SHA-256 over what is revoked: a token, a session, a key, a subject or a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// A token by its issuer and its `jti`.
    pub fn token(issuer: &str, jti: &str) -> Self {
        Self::over("token", &[issuer.as_bytes(), jti.as_bytes()])
    }

    /// A token without a `jti`, by its signed part: `header.payload` as sent.
    pub fn signed_part(header_dot_payload: &[u8]) -> Self {
        Self::over("signed-part", &[header_dot_payload])
    }

    /// What a session shows is not what its token is alone.
    pub(crate) fn shown_in(self, sid: &str) -> Self {
        Self::over("shown", &[&self.to_bytes(), sid.as_bytes()])
    }

    /// All agents of the token that has this fingerprint, for limits.
    #[must_use]
    pub fn agents(self) -> Self {
        Self::over("agents", &[&self.to_bytes()])
    }

    /// A session by its `sid`.
    pub fn session(sid: &str) -> Self {
        Self::over("session", &[sid.as_bytes()])
    }

    /// A session's handle, by which its holder uses it: what is kept instead of it.
    pub fn handle(handle: &str) -> Self {
        Self::over("handle", &[handle.as_bytes()])
    }

    /// A key by its `kid`.
    pub fn key(kid: &str) -> Self {
        Self::over("key", &[kid.as_bytes()])
    }

    /// A subject by its issuer and `sub`.
    pub fn subject(issuer: &str, sub: &str) -> Self {
        Self::over("subject", &[issuer.as_bytes(), sub.as_bytes()])
    }

    /// A subject by its `sub` alone, for tokens of profiles that name no issuer: which entry of which ring says who minted them, a node
    /// without that entry cannot know.
    pub fn bare_subject(sub: &str) -> Self {
        Self::over("bare-subject", &[sub.as_bytes()])
    }

    /// A service by its name.
    pub fn service(name: &str) -> Self {
        Self::over("service", &[name.as_bytes()])
    }

    /// The 16 bytes.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// A fingerprint from its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// The number that the bytes make, most significant first.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    fn over(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"hallpass fingerprint v1\0");
        for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finish().as_ref()[..16]);
        Self::from_bytes(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a fingerprint; 22 characters of base64url without padding")]
pub struct FingerprintError;

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self::from_bytes(bytes)),
            _ => Err(FingerprintError),
        }
    }
}

/// A token's `jti`: unguessable, unique with its issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenId(String);

impl TokenId {
    /// An id from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The value of the claim `jti`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
