//! The list, page after page.

use clap::Args;
use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use hallpass_contract::auth::{ListRevocationsRequest, Revocation};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, hex, plain};

/// Where from, and how many.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass revocations list
  hallpass revocations list --limit 20 --output json

Names are not kept in the list, only their fingerprints: `hallpass revocations show` looks a name up.")]
pub(crate) struct List {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

/// One entry, printed.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    sequence: u64,
    fingerprint: String,
    issued_before: String,
    drop_time: String,
    create_time: String,
    revoked_by: String,
    reason: String,
    everything: bool,
}

impl From<Revocation> for Row {
    fn from(of: Revocation) -> Self {
        Self {
            sequence: of.sequence,
            fingerprint: hex(&of.fingerprint),
            issued_before: instant::of_timestamp(of.issued_before),
            drop_time: instant::of_timestamp(of.drop_time),
            create_time: instant::of_timestamp(of.create_time),
            revoked_by: of.revoked_by,
            reason: of.reason,
            everything: of.everything,
        }
    }
}

pub(super) async fn run(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = RevocationServiceClient::new(wanted.connection.open_as_caller().await?);
    let mut rows: Vec<Row> = Vec::new();
    let mut page_token = String::new();
    while rows.len() < wanted.limit {
        let request = ListRevocationsRequest { page_size: 1000, page_token };
        let page = client.list_revocations(unary(request)).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        rows.extend(page.revocations.into_iter().map(Row::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    rows.truncate(wanted.limit);
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

/// The entries in columns.
pub(super) fn table(rows: &[Row]) -> String {
    let head = ["SEQUENCE", "FINGERPRINT", "ISSUED BEFORE", "DROPPED", "REVOKED", "BY", "REASON"];
    let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
    let lines = rows.iter().map(|row| {
        [
            row.sequence.to_string(),
            if row.everything { "everything".to_owned() } else { row.fingerprint.clone() },
            or(&row.issued_before, "-"),
            or(&row.drop_time, "never"),
            or(&row.create_time, "-"),
            plain(&or(&row.revoked_by, "-")).into_owned(),
            plain(&row.reason).into_owned(),
        ]
    });
    output::listing(head, lines, &["FINGERPRINT", "REVOKED", "REASON"])
}
