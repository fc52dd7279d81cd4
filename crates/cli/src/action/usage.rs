//! How often action tokens were issued, used and refused lately.

use clap::Args;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::auth::{ActionUsage, ListActionUsageRequest};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// Whose, and of what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass action usage
  hallpass action usage --everyone --audience datasets.delete --output json")]
pub(crate) struct Usage {
    /// Of every user; needs the scope `actions:admin`.
    #[arg(long)]
    everyone: bool,
    /// Of this operation only.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "AUDIENCE")]
    audience: String,
    #[command(flatten)]
    connection: Connection,
}

/// Counts of one user, one operation and one hour.
#[derive(Serialize)]
struct Row {
    since: String,
    audience: String,
    issuer: String,
    subject: String,
    issued: u64,
    used: u64,
    refused: u64,
}

impl From<ActionUsage> for Row {
    fn from(of: ActionUsage) -> Self {
        let since = instant::of_timestamp(of.start_time);
        let ActionUsage { audience, issuer, subject, issued, used, refused, .. } = of;
        Self { since, audience, issuer, subject, issued, used, refused }
    }
}

/// Asks page after page, and prints.
pub(super) async fn run(wanted: &Usage, format: Format) -> Result<(), Failure> {
    let mut client = ActionServiceClient::new(wanted.connection.open_as_caller().await?);
    let mut rows: Vec<Row> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListActionUsageRequest {
            audience: wanted.audience.clone(),
            everyone: wanted.everyone,
            page_size: 0,
            page_token,
        };
        let page = client.list_action_usage(unary(request)).await.map_err(|s| refused(&s))?;
        let page = page.into_inner();
        rows.extend(page.usage.into_iter().map(Row::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["SINCE", "AUDIENCE", "ISSUER", "SUBJECT", "ISSUED", "USED", "REFUSED"];
    let lines = rows.iter().map(|row| {
        [
            row.since.clone(),
            plain(&row.audience).into_owned(),
            plain(&row.issuer).into_owned(),
            plain(&row.subject).into_owned(),
            row.issued.to_string(),
            row.used.to_string(),
            row.refused.to_string(),
        ]
    });
    output::listing(head, lines, &["SINCE", "AUDIENCE", "ISSUED", "USED", "REFUSED"])
}
