//! Names: the ids and etags that services give, the request ids that clients give.
//!
//! Invariant: a text that is not exactly of an id's form never becomes an id, so it never reaches a database.

use std::fmt;
use std::marker::PhantomData;

/// What an id is of, known by the letters that it begins with.
pub trait IdKind {
    /// Such as `ds_`.
    const PREFIX: &'static str;
}

/// An id: its kind's prefix and 128 random bits in lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(String, PhantomData<K>);

impl<K: IdKind> Id<K> {
    /// An id from 128 random bits.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(format!("{}{:032x}", K::PREFIX, u128::from_be_bytes(random)), PhantomData)
    }

    /// The id that a text is; `None` if no service can have made it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(K::PREFIX)?;
        let well_formed = digits.len() == 32 && digits.bytes().all(is_lower_hex);
        well_formed.then(|| Self(text.to_owned(), PhantomData))
    }
}

impl<K> Id<K> {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&self.0).finish()
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes a call idempotent: a UUID (RFC 9562) in its usual form, whatever its version, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The UUID that a text is.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |(at, byte): (usize, u8)| {
            if [8, 13, 18, 23].contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        };
        let well_formed = text.len() == 36 && text.bytes().enumerate().all(fits);
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The system gives no random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random bits")]
pub struct NoChance;

/// An etag from 64 of these random bits.
pub fn etag(random: [u8; 16]) -> String {
    format!("{:016x}", u128::from_be_bytes(random) >> 64)
}

/// 128 random bits: the one place where the services' stores get chance from.
pub fn random() -> Result<[u8; 16], NoChance> {
    let mut bits = [0; 16];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| NoChance)?;
    Ok(bits)
}

const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Eq)]
    enum Thing {}

    impl IdKind for Thing {
        const PREFIX: &'static str = "th_";
    }

    #[test]
    fn ids_have_one_form() {
        let id = Id::<Thing>::from_random([0xAB; 16]);
        assert_eq!(id.as_str(), "th_abababababababababababababababab");
        assert!(Id::parse(id.as_str()) == Some(id.clone()));
        assert_eq!(Id::<Thing>::from_random([0; 16]).as_str().len(), 35);
        let (upper, long) = (id.as_str().to_uppercase(), format!("{id}0"));
        for refused in [
            "",
            "th_",
            "abababababababababababababababab",
            "ds_abababababababababababababababab",
            &upper,
            &long,
            "th_../../../../../../../etc/passwd",
        ] {
            assert!(Id::<Thing>::parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn request_ids_are_uuids() {
        let id = RequestId::parse("A9B8c7d6-0000-4000-8000-123456789abc");
        let kept = id.as_ref().map(RequestId::as_str);
        assert_eq!(kept, Some("a9b8c7d6-0000-4000-8000-123456789abc"));
        for refused in [
            "",
            "1",
            "a9b8c7d600004000800012345678 9abc",
            "a9b8c7d6-0000-4000-8000-123456789ab",
            "a9b8c7d6-0000-4000-8000-123456789abcd",
            "g9b8c7d6-0000-4000-8000-123456789abc",
            "a9b8c7d60-000-4000-8000-123456789abc",
            "{9b8c7d6-0000-4000-8000-123456789ab}",
        ] {
            assert_eq!(RequestId::parse(refused), None, "{refused}");
        }
    }
}
