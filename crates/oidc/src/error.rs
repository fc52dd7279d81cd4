//! Why keys could not be fetched: which document, from where, and what came instead.

use std::fmt;

use reqwest::Url;

/// The most of a URL that is told.
const LONGEST_URL: usize = 200;

/// The documents of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `/.well-known/openid-configuration`.
    Configuration,
    /// The set of keys.
    Jwks,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "configuration document",
            Self::Jwks => "JWKS",
        })
    }
}

/// Why keys could not be fetched. Nothing of an answer's body is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{document} {url}: {problem}")]
pub struct FetchError {
    /// Which document it was.
    pub document: Document,
    /// Where it was asked for, without a query.
    pub url: String,
    /// What went wrong.
    pub problem: FetchProblem,
}

impl FetchError {
    pub(crate) fn new(document: Document, url: &Url, problem: FetchProblem) -> Self {
        let mut url = url.clone();
        url.set_query(None);
        let mut url = String::from(url);
        url.truncate(url.floor_char_boundary(LONGEST_URL));
        Self { document, url, problem }
    }
}

/// What went wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchProblem {
    /// The issuer cannot be reached, or breaks off.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
    /// It took too long.
    #[error("no whole answer within 5 s")]
    TooSlow,
    /// It answers something other than 200; redirects are not followed.
    #[error("status {0}, {1}; right: status 200, and no redirect")]
    Status(u16, String),
    /// It answers too much.
    #[error("the answer is longer than 1 MiB")]
    TooLong,
    /// It is encoded in a way that was not asked for, or not as it says.
    #[error("status 200, {0}: {1}; right: gzip or no Content-Encoding")]
    Encoding(String, &'static str),
    /// What came is not the document.
    #[error("status 200, {0}: {1}")]
    Content(String, String),
}
