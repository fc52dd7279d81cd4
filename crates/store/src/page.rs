//! Pages of a list and the tokens that lead from one to the next.
//!
//! Invariant: a page token opens only for the query that it was made for, tells its holder nothing but a length, and cannot be made
//! up: it is sealed (AES-256-GCM) with a key that never leaves the store.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::NoChance;

const TAG: usize = 16;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// How many at most.
    pub size: u32,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// A page cannot have fewer items than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not be negative")]
pub struct NegativePageSize;

impl PageRequest {
    /// 0 means 50, and more than 1000 means 1000 (AIP-158).
    pub fn new(size: i32, token: String) -> Result<Self, NegativePageSize> {
        Self::bounded(size, token, 1000)
    }

    /// The same with another bound.
    pub fn bounded(size: i32, token: String, most: u32) -> Result<Self, NegativePageSize> {
        const USUAL: u32 = 50;
        match u32::try_from(size) {
            Ok(0) => Ok(Self { size: USUAL.min(most), token }),
            Ok(size) => Ok(Self { size: size.min(most), token }),
            Err(_) => Err(NegativePageSize),
        }
    }
}

/// What seals page tokens. A query is the RPC's name, the caller and whatever else decides what the list holds.
pub struct PageKey(RandomizedNonceKey);

impl PageKey {
    /// `None` unless the key has 32 bytes.
    pub fn new(key: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).ok().map(Self)
    }

    /// A token for what comes behind this position in the list that the query asks for.
    pub fn seal(&self, query: &[&str], position: &[u8]) -> Result<String, NoChance> {
        let mut sealed = position.to_vec();
        let nonce = self.0.seal_in_place_append_tag(bound_to(query), &mut sealed);
        let nonce = nonce.map_err(|_| NoChance)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The position, if this key sealed the token for this query.
    pub fn open(&self, query: &[&str], token: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        if bytes.len() < TAG + NONCE_LEN {
            return None;
        }
        let nonce = bytes.split_off(bytes.len() - NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let position = self.0.open_in_place(nonce, bound_to(query), &mut bytes).ok()?;
        Some(position.to_vec())
    }

    /// A token for what comes behind this number.
    pub fn seal_number(&self, query: &[&str], position: i64) -> Result<String, NoChance> {
        self.seal(query, &position.to_be_bytes())
    }

    /// The number, if this key sealed the token for this query.
    pub fn open_number(&self, query: &[&str], token: &str) -> Option<i64> {
        Some(i64::from_be_bytes(self.open(query, token)?.try_into().ok()?))
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageKey")
    }
}

/// Each part with its length, so that no two queries read alike.
fn bound_to(query: &[&str]) -> Aad<Vec<u8>> {
    let parts = query.iter().flat_map(|part| {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes();
        length.into_iter().chain(part.bytes())
    });
    Aad::from(parts.collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    const ALICE: &[&str] = &["ListThings", "alice"];

    #[test]
    fn a_token_opens_for_its_query_only() {
        let key = PageKey::new(&[7; 32]).unwrap();
        let token = key.seal_number(ALICE, 42).unwrap();
        assert_eq!(key.open_number(ALICE, &token), Some(42));
        for other in [&["ListThings", "bob"][..], &["ListThingsalice"], &["ListThing", "salice"]] {
            assert_eq!(key.open_number(other, &token), None, "{other:?}");
        }
        assert_eq!(PageKey::new(&[8; 32]).unwrap().open_number(ALICE, &token), None);
        let again = key.seal_number(ALICE, 42).unwrap();
        assert_ne!(token, again, "a token shows that it is the same place");
        let named = key.seal(ALICE, b"a/b.png").unwrap();
        assert_eq!(key.open(ALICE, &named).as_deref(), Some(&b"a/b.png"[..]));
        assert_eq!(key.open_number(ALICE, &named), None, "a name is no number");
    }

    #[test]
    fn made_up_and_damaged_tokens_do_not_open() {
        let key = PageKey::new(&[7; 32]).unwrap();
        let token = key.seal_number(ALICE, 42).unwrap();
        let whole = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let damaged = URL_SAFE_NO_PAD.encode(damaged);
            assert_eq!(key.open_number(ALICE, &damaged), None, "byte {at}");
        }
        let long = "A".repeat(10_000);
        for made_up in ["", "42", "!", &token[1..], &format!("{token}="), &long] {
            assert_eq!(key.open(ALICE, made_up), None);
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let size = |size| PageRequest::new(size, String::new()).map(|page| page.size).ok();
        assert_eq!([0, 1, 1000, 1001, i32::MAX].map(size), [50, 1, 1000, 1000, 1000].map(Some));
        assert_eq!([-1, i32::MIN].map(size), [None, None]);
    }
}
