//! What an issuer has answered: a document's bytes, how it calls them, and how long it says that they count.
//!
//! Promise: no answer is longer than [`MOST_BYTES`], unpacked.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use reqwest::header::{AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use reqwest::{Response, StatusCode, Url};

use crate::error::{Document, FetchError, FetchProblem};

/// The most bytes of a document. A set of several hundred keys with their certificates has less.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// A document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// How long the issuer says that it counts from now on (RFC 9111, section 5.2); zero where it may not be kept.
    pub(crate) fresh_for: Option<Duration>,
    document: Document,
    url: Url,
    media_type: String,
}

impl Answer {
    /// Reads it to its end.
    pub(crate) async fn read(
        document: Document,
        url: Url,
        mut response: Response,
    ) -> Result<Self, FetchError> {
        let media_type = media_type(response.headers());
        let fail = |problem| FetchError::new(document, &url, problem);
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            return Err(fail(FetchProblem::Status(status, media_type)));
        }
        if response.content_length().is_some_and(|length| length > MOST_BYTES as u64) {
            return Err(fail(FetchProblem::TooLong));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fail(no_answer(&error)))? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(fail(FetchProblem::TooLong));
            }
            bytes.extend_from_slice(&chunk);
        }
        let bytes = unpacked(response.headers(), &media_type, bytes).map_err(fail)?;
        let fresh_for = fresh_for(response.headers());
        Ok(Self { bytes, fresh_for, document, url, media_type })
    }

    /// That the bytes are not what they should be.
    pub(crate) fn unusable(&self, problem: &dyn std::fmt::Display) -> FetchError {
        let problem = FetchProblem::Content(self.media_type.clone(), problem.to_string());
        FetchError::new(self.document, &self.url, problem)
    }

    /// The bytes without a byte-order mark.
    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.bytes)
    }
}

/// What a failed request comes to.
pub(crate) fn no_answer(error: &reqwest::Error) -> FetchProblem {
    match error {
        error if error.is_timeout() => FetchProblem::TooSlow,
        error if error.is_connect() => FetchProblem::NoAnswer(
            "no connection, or its certificate is not one that is trusted here",
        ),
        _ => FetchProblem::NoAnswer("it breaks off, or speaks no HTTP"),
    }
}

/// Whatever it is called: the bytes decide. For people only, so what is unprintable or long is left out.
fn media_type(headers: &HeaderMap) -> String {
    let kind = text(headers, &CONTENT_TYPE).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "" => "no media type".to_owned(),
        kind => kind.chars().take(60).collect(),
    }
}

fn unpacked(
    headers: &HeaderMap,
    media_type: &str,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, FetchProblem> {
    let wrong = |problem| FetchProblem::Encoding(media_type.to_owned(), problem);
    match text(headers, &CONTENT_ENCODING).map(str::trim).unwrap_or_default() {
        "" => Ok(bytes),
        one if one.eq_ignore_ascii_case("identity") => Ok(bytes),
        one if one.eq_ignore_ascii_case("gzip") || one.eq_ignore_ascii_case("x-gzip") => {
            let mut unpacked = Vec::new();
            let decoder = MultiGzDecoder::new(bytes.as_slice());
            decoder
                .take(MOST_BYTES as u64 + 1)
                .read_to_end(&mut unpacked)
                .map_err(|_| wrong("the answer says gzip and is none"))?;
            if unpacked.len() > MOST_BYTES { Err(FetchProblem::TooLong) } else { Ok(unpacked) }
        }
        _ => Err(wrong("the answer has a Content-Encoding that was not asked for")),
    }
}

/// `max-age` less the time that the answer has spent in caches. What must not be kept, or must be asked for again, counts for no time.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let seconds = |text: &str| text.trim().trim_matches('"').parse().ok().map(Duration::from_secs);
    let mut life = None;
    for line in headers.get_all(CACHE_CONTROL) {
        for directive in line.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" | "no-store" => return Some(Duration::ZERO),
                "max-age" => life = life.or_else(|| seconds(value)),
                _ => {}
            }
        }
    }
    let age = text(headers, &AGE).and_then(seconds).unwrap_or_default();
    life.map(|life| life.saturating_sub(age))
}

/// A header's value, where it is visible ASCII.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
