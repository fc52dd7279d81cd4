//! The names that Labeler gives: dataset ids and etags. And the one that clients give: request ids.
//!
//! Invariant: a text that is not exactly of an id's form never reaches the database.

use std::fmt;

use crate::error::Error;

/// A dataset's id: "ds_" and 128 random bits in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DatasetId(String);

impl DatasetId {
    const PREFIX: &str = "ds_";

    /// An id from 128 random bits.
    pub(crate) fn from_random(random: [u8; 16]) -> Self {
        Self(format!("{}{:032x}", Self::PREFIX, u128::from_be_bytes(random)))
    }

    /// The id that a text is; `None` if Labeler cannot have made it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        (digits.len() == 32 && digits.bytes().all(is_lower_hex)).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatasetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes an upload idempotent: a UUID (RFC 9562) in its usual form, whatever its version, kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The UUID that a text is.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let dashes = [8, 13, 18, 23];
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| {
                if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            });
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An etag from 64 random bits.
pub(crate) fn etag(random: [u8; 16]) -> String {
    format!("{:016x}", u128::from_be_bytes(random) >> 64)
}

/// 128 random bits: the one place where this crate gets chance from.
pub(crate) fn random() -> Result<[u8; 16], Error> {
    let mut bits = [0; 16];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| Error::Chance)?;
    Ok(bits)
}

const fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dataset_ids_have_one_form() {
        let id = DatasetId::from_random([0xAB; 16]);
        assert_eq!(id.as_str(), "ds_abababababababababababababababab");
        assert_eq!(DatasetId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(DatasetId::from_random([0; 16]).as_str().len(), 35);
        let upper = id.as_str().to_uppercase();
        let long = format!("{id}0");
        for refused in [
            "",
            "ds_",
            "abababababababababababababababab",
            &upper,
            &long,
            "ds_../../../../../../../etc/passwd",
        ] {
            assert_eq!(DatasetId::parse(refused), None, "{refused}");
        }
    }

    #[test]
    fn request_ids_are_uuids() {
        let id = RequestId::parse("A9B8c7d6-0000-4000-8000-123456789abc");
        assert_eq!(
            id.as_ref().map(RequestId::as_str),
            Some("a9b8c7d6-0000-4000-8000-123456789abc")
        );
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
