//! The counts of action tokens, page by page.

use hallpass_contract::auth::{ActionUsage, ListActionUsageRequest, ListActionUsageResponse};
use hallpass_guard::UsageRow;

use crate::error::Error;
use crate::instant::timestamp;

const USUAL_PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;

/// One page of the counts that a request asks for. A page begins after the row that the token names, whatever has changed before it.
pub(crate) fn page(
    mut rows: Vec<UsageRow>,
    request: &ListActionUsageRequest,
) -> Result<ListActionUsageResponse, Error> {
    rows.retain(|row| request.audience.is_empty() || row.audience == request.audience);
    if !request.page_token.is_empty() {
        let after = Place::read(&request.page_token)?;
        rows.retain(|row| Place::of(row) > after);
    }
    let size = match usize::try_from(request.page_size) {
        Ok(0) => USUAL_PAGE,
        Ok(size) => size.min(LONGEST_PAGE),
        Err(_) => {
            return Err(Error::Invalid { field: "page_size", problem: "must not be negative" });
        }
    };
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let next_page_token = last.map(|row| Place::of(row).write()).unwrap_or_default();
    Ok(ListActionUsageResponse { usage: rows.into_iter().map(told).collect(), next_page_token })
}

/// Where a row stands: the latest hour first, then by name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(std::cmp::Reverse<u64>, String, String, String);

impl Place {
    fn of(row: &UsageRow) -> Self {
        let hour = std::cmp::Reverse(row.hour.as_secs());
        Self(hour, row.audience.to_owned(), row.issuer.clone(), row.subject.clone())
    }

    fn write(&self) -> String {
        let Self(hour, audience, issuer, subject) = self;
        serde_json::json!([hour.0, audience, issuer, subject]).to_string()
    }

    fn read(token: &str) -> Result<Self, Error> {
        let read: Result<(u64, String, String, String), _> = serde_json::from_str(token);
        let problem = "must be one that a page before gave";
        let (hour, audience, issuer, subject) =
            read.map_err(|_| Error::Invalid { field: "page_token", problem })?;
        Ok(Self(std::cmp::Reverse(hour), audience, issuer, subject))
    }
}

fn told(row: UsageRow) -> ActionUsage {
    ActionUsage {
        start_time: Some(timestamp(row.hour)),
        audience: row.audience.to_owned(),
        issuer: row.issuer,
        subject: row.subject,
        issued: row.issued,
        used: row.used,
        refused: row.refused,
    }
}
