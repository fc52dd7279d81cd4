//! The list as an operator sees it, by name or page by page.
//!
//! Invariant: only what is durable is shown. A page begins after the entry that its token names, whatever has changed before it.

use std::sync::Arc;

use hallpass_contract::auth::{ListRevocationsRequest, ListRevocationsResponse, Revocation};
use hallpass_revocation::{Entry, List, Listed, ReadError};
use tonic::codegen::Bytes;

use crate::error::Error;
use crate::instant::timestamp;

const USUAL_PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;

/// What is revoked under the name that an entry stands for.
pub(crate) async fn look_up(list: &Arc<List>, named: Entry) -> Result<Revocation, Error> {
    let found = reading(list, move |list| list.lookup(named.fingerprint)).await?;
    let is_cutoff = named.issued_before.is_some();
    let found = found.into_iter().find(|found| found.entry.issued_before.is_some() == is_cutoff);
    found.map(told).ok_or(Error::NotRevoked)
}

/// One page of the list.
pub(crate) async fn page(
    list: &Arc<List>,
    request: &ListRevocationsRequest,
) -> Result<ListRevocationsResponse, Error> {
    let after = match request.page_token.as_str() {
        "" => 0,
        token => token.parse().map_err(|_| Error::Invalid {
            field: "page_token",
            problem: "must be one that a page before gave",
        })?,
    };
    let size = match usize::try_from(request.page_size) {
        Ok(0) => USUAL_PAGE,
        Ok(size) => size.min(LONGEST_PAGE),
        Err(_) => {
            return Err(Error::Invalid { field: "page_size", problem: "must not be negative" });
        }
    };
    let mut found = reading(list, move |list| list.page(after, size + 1)).await?;
    let more = found.len() > size;
    found.truncate(size);
    let ending = found.last().filter(|_| more);
    let next_page_token = ending.map(|last| last.sequence.to_string()).unwrap_or_default();
    Ok(ListRevocationsResponse {
        revocations: found.into_iter().filter(is_revocation).map(told).collect(),
        next_page_token,
    })
}

/// Reads the disk where no call waits for it.
async fn reading<T: Send + 'static>(
    list: &Arc<List>,
    read: impl FnOnce(&List) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Error> {
    let list = Arc::clone(list);
    let read = tokio::task::spawn_blocking(move || read(&list)).await;
    Ok(read.map_err(|_| Error::TaskLost)??)
}

/// The mark that a sweep leaves revokes nothing.
fn is_revocation(listed: &Listed) -> bool {
    listed.entry.as_forgotten().is_none()
}

fn told(Listed { sequence, entry, note }: Listed) -> Revocation {
    let noted = note.as_ref();
    Revocation {
        sequence,
        fingerprint: Bytes::copy_from_slice(&entry.fingerprint.to_bytes()),
        issued_before: entry.issued_before.map(timestamp),
        drop_time: entry.until.map(timestamp),
        create_time: noted.map(|note| timestamp(note.at)),
        everything: entry.is_everything(),
        revoked_by: noted.map(|note| note.by.clone()).unwrap_or_default(),
        reason: note.map(|note| note.reason).unwrap_or_default(),
    }
}
