//! Pages of the list of datasets and the tokens that lead from one to the next.
//!
//! Invariant: a page token opens only for the caller that it was made for.

pub(crate) use hallpass_store::{PageKey, PageRequest};

use crate::dataset::Dataset;
use crate::error::Error;

/// One page of datasets.
#[derive(Debug)]
pub(crate) struct Page {
    /// The datasets, newest first.
    pub(crate) datasets: Vec<Dataset>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// What a client asks for.
pub(crate) fn request(size: i32, token: String) -> Result<PageRequest, Error> {
    PageRequest::new(size, token).map_err(|error| Error::invalid("page_size", error.to_string()))
}

/// A token for what comes behind this position, in the list as this subject sees it.
pub(crate) fn seal(pages: &PageKey, subject: &str, position: i64) -> Result<String, Error> {
    pages.seal_number(&["ListDatasets", subject], position).map_err(|_| Error::Chance)
}

/// Where the page begins: behind everything without a token.
pub(crate) fn position(pages: &PageKey, subject: &str, token: &str) -> Result<i64, Error> {
    if token.is_empty() {
        return Ok(i64::MAX);
    }
    pages.open_number(&["ListDatasets", subject], token).ok_or_else(|| {
        Error::invalid("page_token", "must come from the page before, in the same list")
    })
}
