//! Pages of the list of jobs and the tokens that lead from one to the next.
//!
//! Invariant: a page token opens only for the caller that it was made for.

pub(crate) use hallpass_store::{PageKey, PageRequest};

use crate::error::Error;
use crate::job::Job;

/// One page of jobs.
#[derive(Debug)]
pub(crate) struct Page {
    /// The jobs, newest first.
    pub(crate) jobs: Vec<Job>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// What a client asks for.
pub(crate) fn request(size: i32, token: String) -> Result<PageRequest, Error> {
    let invalid = |_| Error::Invalid { field: "page_size", problem: "must not be negative" };
    PageRequest::new(size, token).map_err(invalid)
}

/// A token for what comes behind this position, in the list as this subject sees it through this filter.
pub(crate) fn seal(
    pages: &PageKey,
    (subject, state, dataset): (&str, &str, &str),
    position: i64,
) -> Result<String, Error> {
    let query = ["ListJobs", subject, state, dataset];
    pages.seal_number(&query, position).map_err(|_| Error::Chance)
}

/// Where the page begins: behind everything without a token.
pub(crate) fn position(
    pages: &PageKey,
    (subject, state, dataset): (&str, &str, &str),
    token: &str,
) -> Result<i64, Error> {
    if token.is_empty() {
        return Ok(i64::MAX);
    }
    pages.open_number(&["ListJobs", subject, state, dataset], token).ok_or(Error::Invalid {
        field: "page_token",
        problem: "must come from the page before, in the same list",
    })
}
