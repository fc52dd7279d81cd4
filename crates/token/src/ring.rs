//! The key ring: every key that this process trusts, looked up by `kid` in a map.

use secrecy::SecretString;

use crate::{
    Key, MintError, MintedToken, NewToken, RingError, SecretRef, TokenError, TokenType, UnixTime,
    Verified,
};

/// The keys that this process trusts, and those that it signs with. Its `Debug` shows no key material.
#[derive(Debug, Clone)]
pub struct KeyRing {
    keys: Vec<Key>,
}

impl KeyRing {
    /// Reads a ring file: a JWKS (RFC 7517) whose keys each have a member `hallpass`. `resolve` fetches what a `secret` names.
    pub fn parse(
        json: &str,
        resolve: &dyn Fn(&SecretRef) -> Result<SecretString, String>,
    ) -> Result<Self, RingError> {
        let _ = (json, resolve);
        todo!()
    }

    /// A ring of these keys.
    pub fn new(keys: Vec<Key>) -> Result<Self, RingError> {
        Ok(Self { keys })
    }

    /// Verifies a token.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Verified, TokenError> {
        let _ = (token, now);
        todo!()
    }

    /// Mints a token with the key of this name.
    pub fn mint(&self, kid: &str, new: &NewToken, now: UnixTime) -> Result<MintedToken, MintError> {
        let _ = (kid, new, now);
        todo!()
    }

    /// The key of this name.
    pub fn key(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// All keys, in the file's order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key with which a service signs tokens of this kind: active, and with its private part here.
    pub fn active_signer(&self, owner: &str, token_type: TokenType) -> Option<&Key> {
        let _ = (owner, token_type);
        todo!()
    }

    /// The public keys as a JWKS to give away: no secret, no private member, no retired key.
    pub fn public_jwks(&self) -> serde_json::Value {
        todo!()
    }

    /// The ring as a file, with the private parts. Secrets that came by reference stay references.
    pub fn to_json(&self) -> SecretString {
        todo!()
    }
}
