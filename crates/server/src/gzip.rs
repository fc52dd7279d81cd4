//! Puts answers in gzip where the client takes it and it is worth the work (gRPC over HTTP/2, `Message-Accept-Encoding`).

use std::io::Write as _;

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use hallpass_policy::Rule;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::framing::Framing;

/// How a message is compressed.
pub(crate) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

const PREFIX: usize = 5;
/// Shorter messages fit into a packet as they are.
const LEAST: usize = 1 << 10;
/// Compressing longer ones would keep a thread from other calls for too long.
const MOST: usize = 1 << 20;

/// How a request's messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    None,
    Gzip,
    Unknown,
}

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Self::None,
            Some(b"gzip") => Self::Gzip,
            Some(_) => Self::Unknown,
        }
    }
}

/// Whether the answer may be in gzip. Streams are, if the request was: they are long, and of pictures that gzip makes no smaller.
pub(crate) fn is_wanted(headers: &HeaderMap, encoding: Encoding, rule: &Rule) -> bool {
    let mut accepted = headers.get_all(ACCEPTED).iter().filter_map(|value| value.to_str().ok());
    (encoding == Encoding::Gzip || !rule.server_streaming)
        && accepted.any(|list| list.split(',').any(|name| name.trim() == "gzip"))
}

/// Whether an answer has messages: its status is not in its head already, and it is gRPC.
pub(crate) fn has_messages(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"application/grpc"))
        && !headers.contains_key(tonic::Status::GRPC_STATUS)
}

/// Says in an answer's head that its messages may be in gzip.
pub(crate) fn announce(headers: &mut HeaderMap) {
    headers.insert(ENCODING, GZIP);
}

/// The messages of an answer.
#[derive(Debug, Default)]
pub(crate) struct Gzip {
    framing: Framing,
}

impl Gzip {
    /// The same messages, in gzip where that is shorter. A message that does not come in one piece stays as it is.
    pub(crate) fn pack(&mut self, mut data: Bytes) -> Bytes {
        let mut packed = BytesMut::new();
        while self.framing.is_whole()
            && let Some(message) = split(&mut data)
        {
            packed.put(zipped(&message).unwrap_or(message));
        }
        // No limit: what the handler says is sent.
        let _ = self.framing.advance(&data, u32::MAX);
        if packed.is_empty() {
            return data;
        }
        packed.put(data);
        packed.freeze()
    }
}

/// The first message, if it is there whole.
fn split(data: &mut Bytes) -> Option<Bytes> {
    let length = data.get(1..PREFIX)?.try_into().map(u32::from_be_bytes).ok()?;
    let end = PREFIX + usize::try_from(length).ok()?;
    (end <= data.len()).then(|| data.split_to(end))
}

fn zipped(message: &Bytes) -> Option<Bytes> {
    let (prefix, content) = message.split_at(PREFIX);
    if prefix.first() != Some(&0) || !(LEAST..=MOST).contains(&content.len()) {
        return None;
    }
    let mut encoder =
        GzEncoder::new(BytesMut::from(&[1; PREFIX][..]).writer(), Compression::fast());
    encoder.write_all(content).ok()?;
    let mut zipped = encoder.finish().ok()?.into_inner();
    if zipped.len() >= message.len() {
        return None;
    }
    let length = u32::try_from(zipped.len() - PREFIX).ok()?;
    zipped[1..PREFIX].copy_from_slice(&length.to_be_bytes());
    Some(zipped.freeze())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::gunzip::Gunzip;

    fn message(data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        [&[0], &length.to_be_bytes()[..], data].concat()
    }

    fn unpacked(packed: Bytes) -> Vec<u8> {
        let (mut gunzip, mut read) = (Gunzip::default(), Vec::new());
        gunzip.push(packed);
        while let Some(message) = gunzip.next(u32::MAX).unwrap() {
            read.extend(message);
        }
        assert!(gunzip.is_whole());
        read
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let long = message(&b"again and ".repeat(7_000));
        let body = [message(b"short"), long.clone(), message(&[]), long].concat();
        for step in [1, 4, 5, 1_000, 70_100, body.len()] {
            let mut gzip = Gzip::default();
            let pieces = body.chunks(step).map(|piece| gzip.pack(Bytes::copy_from_slice(piece)));
            let packed: Vec<u8> = pieces.flatten().collect();
            assert_eq!(unpacked(packed.clone().into()), body, "by {step}");
            let shorter = packed.len() < body.len() / 2;
            assert_eq!(shorter, step >= body.len(), "{} by {step}", packed.len());
        }
    }

    #[test]
    fn what_does_not_become_shorter_stays() {
        let random: Vec<u8> = (0..64_u8).flat_map(digest).collect();
        for body in [message(&[7; 1023]), message(&random), message(&vec![7; (1 << 20) + 1])] {
            assert_eq!(Gzip::default().pack(body.clone().into()), body);
        }
        let body = message(&[7; 1024]);
        assert!(Gzip::default().pack(body.clone().into()).len() < 100);
        assert_eq!(unpacked(Gzip::default().pack(body.clone().into())), body);
    }

    fn digest(n: u8) -> Vec<u8> {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[n]).as_ref().to_vec()
    }

    #[test]
    fn gzip_is_for_those_who_ask() {
        let rule = |method: &str| {
            hallpass_guard::PUBLIC_RULES.iter().find(|rule| rule.method == method).unwrap()
        };
        let accepting =
            |list: &str| HeaderMap::from_iter([(ACCEPTED, HeaderValue::from_str(list).unwrap())]);
        let (unary, stream) = (rule("Check"), rule("Watch"));
        for list in ["gzip", "identity, deflate, gzip", "identity,gzip"] {
            assert!(is_wanted(&accepting(list), Encoding::None, unary), "{list}");
            assert!(!is_wanted(&accepting(list), Encoding::None, stream), "{list}");
            assert!(is_wanted(&accepting(list), Encoding::Gzip, stream), "{list}");
        }
        for headers in [accepting("identity"), accepting("gzipped"), HeaderMap::new()] {
            assert!(!is_wanted(&headers, Encoding::Gzip, unary), "{headers:?}");
        }
    }
}
