//! Pages of a list and the tokens that lead from one to the next.
//!
//! Invariant: a page token opens only for the query that it was made for, tells its holder nothing, and cannot be made up: it is
//! sealed (AES-256-GCM) with a key that never leaves the store.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::dataset::Dataset;
use crate::error::Error;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageRequest {
    /// How many datasets at most.
    pub(crate) size: u32,
    /// The token of the page before; empty for the first page.
    pub(crate) token: String,
}

impl PageRequest {
    /// 0 means 50, and more than 1000 means 1000 (AIP-158).
    pub(crate) fn new(size: i32, token: String) -> Result<Self, Error> {
        const USUAL: u32 = 50;
        const MOST: u32 = 1000;
        match u32::try_from(size) {
            Ok(0) => Ok(Self { size: USUAL, token }),
            Ok(size) => Ok(Self { size: size.min(MOST), token }),
            Err(_) => Err(Error::invalid("page_size", "must not be negative")),
        }
    }
}

/// One page of datasets.
#[derive(Debug)]
pub(crate) struct Page {
    /// The datasets, newest first.
    pub(crate) datasets: Vec<Dataset>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// What seals page tokens.
pub(crate) struct PageKey(RandomizedNonceKey);

impl PageKey {
    /// `None` unless the key has 32 bytes.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).ok().map(Self)
    }

    /// A token for what comes behind this position, in the list as this subject sees it.
    pub(crate) fn seal(&self, subject: &str, position: i64) -> Result<String, Error> {
        let mut sealed = position.to_be_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(query(subject), &mut sealed);
        let nonce = nonce.map_err(|_| Error::Chance)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The position, if this key sealed the token for this subject.
    pub(crate) fn open(&self, subject: &str, token: &str) -> Option<i64> {
        const SEALED: usize = 8 + 16 + NONCE_LEN;
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == SEALED)?;
        let nonce = bytes.split_off(SEALED - NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let position = self.0.open_in_place(nonce, query(subject), &mut bytes).ok()?;
        Some(i64::from_be_bytes(position.try_into().ok()?))
    }
}

fn query(subject: &str) -> Aad<String> {
    Aad::from(format!("ListDatasets\0{subject}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    #[test]
    fn a_token_opens_for_its_query_only() {
        let key = PageKey::new(&[7; 32]).unwrap();
        let token = key.seal("alice", 42).unwrap();
        assert_eq!(key.open("alice", &token), Some(42));
        assert_eq!(key.open("bob", &token), None);
        assert_eq!(PageKey::new(&[8; 32]).unwrap().open("alice", &token), None);
        assert_ne!(
            token,
            key.seal("alice", 42).unwrap(),
            "a token shows that it is the same place"
        );
    }

    #[test]
    fn made_up_and_damaged_tokens_do_not_open() {
        let key = PageKey::new(&[7; 32]).unwrap();
        let token = key.seal("alice", 42).unwrap();
        let whole = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(key.open("alice", &URL_SAFE_NO_PAD.encode(damaged)), None, "byte {at}");
        }
        let long = "A".repeat(10_000);
        for made_up in ["", "42", "!", &token[1..], &format!("{token}="), &long] {
            assert_eq!(key.open("alice", made_up), None);
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let size = |size| PageRequest::new(size, String::new()).map(|page| page.size).ok();
        assert_eq!([0, 1, 1000, 1001, i32::MAX].map(size), [50, 1, 1000, 1000, 1000].map(Some));
        assert_eq!([-1, i32::MIN].map(size), [None, None]);
    }
}
