//! Signs and checks the queries of URLs of local files.
//!
//! Invariant: a signature is good for one file as it is, and for as long as it says. The key never leaves the store, and no `Debug` prints
//! it.

use std::fmt::{self, Write as _};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_token::UnixTime;

use crate::model::ids::DatasetId;

/// The most bytes of a query that is looked at: a path three times as long when it is escaped, and the rest.
const LONGEST: usize = 4096;

/// Signs for every process that has the same store.
#[derive(Clone)]
pub(crate) struct UrlKey(Key);

impl fmt::Debug for UrlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UrlKey")
    }
}

/// A file that may be fetched, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// Its dataset.
    pub(crate) dataset: DatasetId,
    /// Its path there.
    pub(crate) path: String,
    /// The object that it is: other content under the same path has another number.
    pub(crate) number: u64,
    /// When the URL ends.
    pub(crate) expires: UnixTime,
}

/// Why a query is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// It is no query of ours, or was altered.
    Altered,
    /// It was good once.
    Expired,
}

impl UrlKey {
    /// A key of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, bytes))
    }

    /// The query for a file.
    pub(crate) fn query(&self, ticket: &Ticket) -> String {
        let query = ticket.unsigned();
        let signature = URL_SAFE_NO_PAD.encode(sign(&self.0, query.as_bytes()).as_ref());
        format!("{query}&signature={signature}")
    }

    /// What a query allows at this instant.
    pub(crate) fn check(&self, query: &str, now: UnixTime) -> Result<Ticket, Invalid> {
        if query.len() > LONGEST {
            return Err(Invalid::Altered);
        }
        let (unsigned, signature) = query.rsplit_once("&signature=").ok_or(Invalid::Altered)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Invalid::Altered)?;
        let right = sign(&self.0, unsigned.as_bytes());
        verify_slices_are_equal(right.as_ref(), &signature).map_err(|_| Invalid::Altered)?;
        let ticket = Ticket::read(unsigned).ok_or(Invalid::Altered)?;
        if now < ticket.expires { Ok(ticket) } else { Err(Invalid::Expired) }
    }
}

impl Ticket {
    fn unsigned(&self) -> String {
        let Self { dataset, path, number, expires } = self;
        format!(
            "dataset={dataset}&object={number}&expires={}&path={}",
            expires.as_secs(),
            escaped(path)
        )
    }

    fn read(query: &str) -> Option<Self> {
        let mut members = query.split('&').map(|member| member.split_once('='));
        let mut next = |name: &str| {
            let (key, value) = members.next()??;
            (key == name).then_some(value)
        };
        let dataset = DatasetId::parse(next("dataset")?)?;
        let number = next("object")?.parse().ok()?;
        let expires = UnixTime::from_secs(next("expires")?.parse().ok()?);
        Some(Self { dataset, path: unescaped(next("path")?)?, number, expires })
    }
}

/// A text as a part of a query (RFC 3986): all but unreserved characters and slashes escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next()?.bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    fn ticket() -> Ticket {
        let dataset = DatasetId::parse(&format!("ds_{}", "0".repeat(32))).unwrap();
        let path = "cat & dog/50% é.png".to_owned();
        Ticket { dataset, path, number: 7, expires: UnixTime::from_secs(1060) }
    }

    #[test]
    fn a_query_is_good_for_its_file_until_it_ends() {
        let key = UrlKey::new(&[7; 32]);
        let query = key.query(&ticket());
        assert!(
            query.is_ascii() && query.contains("path=cat%20%26%20dog/50%25%20%C3%A9.png&"),
            "{query}"
        );
        assert_eq!(key.check(&query, UnixTime::from_secs(1059)), Ok(ticket()));
        assert_eq!(key.check(&query, UnixTime::from_secs(1060)), Err(Invalid::Expired));
        assert_eq!(
            UrlKey::new(&[8; 32]).check(&query, UnixTime::from_secs(0)),
            Err(Invalid::Altered)
        );
    }

    #[test]
    fn whatever_is_altered_is_refused() {
        let key = UrlKey::new(&[7; 32]);
        let query = key.query(&ticket());
        for at in 0..query.len() {
            let mut altered = query.clone().into_bytes();
            altered[at] ^= 1;
            let altered = String::from_utf8(altered).unwrap();
            assert!(key.check(&altered, UnixTime::from_secs(0)).is_err(), "{altered}");
        }
        for altered in [
            String::new(),
            query.replace("expires=1060", "expires=9999"),
            query.replacen("object=7", "object=7&object=8", 1),
            format!("{query}&path=b.png"),
            query.trim_end_matches(|c| c != '=').to_owned(),
        ] {
            assert_eq!(
                key.check(&altered, UnixTime::from_secs(0)),
                Err(Invalid::Altered),
                "{altered}"
            );
        }
    }
}
