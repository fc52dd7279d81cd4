//! Lists action tokens that were issued and have not ended. None of them is printed.

use clap::Args;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::auth::{ActionToken, ListActionTokensRequest};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// Whose, and for what.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass action tokens
  hallpass action tokens --everyone --audience datasets.delete --output json")]
pub(crate) struct Tokens {
    /// Of every user; needs the scope `actions:admin`.
    #[arg(long)]
    everyone: bool,
    /// For this operation only.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "AUDIENCE")]
    audience: String,
    #[command(flatten)]
    connection: Connection,
}

/// An action token as it is listed.
#[derive(Serialize)]
struct Row {
    token_id: String,
    audience: String,
    issuer: String,
    subject: String,
    resource: String,
    issue_time: String,
    expire_time: String,
    single_use: bool,
    state: String,
}

impl From<ActionToken> for Row {
    fn from(of: ActionToken) -> Self {
        Self {
            token_id: of.token_id,
            audience: of.audience,
            issuer: of.issuer,
            subject: of.subject,
            resource: of.resource,
            issue_time: instant::of_timestamp(of.issue_time),
            expire_time: instant::of_timestamp(of.expire_time),
            single_use: of.single_use,
            state: of.state,
        }
    }
}

/// Asks and prints.
pub(super) async fn run(wanted: Tokens, format: Format) -> Result<(), Failure> {
    let mut client = ActionServiceClient::new(wanted.connection.open_as_caller().await?);
    let request = ListActionTokensRequest { audience: wanted.audience, everyone: wanted.everyone };
    let listed = client.list_action_tokens(unary(request)).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.tokens.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["ID", "AUDIENCE", "STATE", "SUBJECT", "OBJECT", "CALLS", "ISSUED", "ENDS"];
    let lines = rows.iter().map(|row| {
        let cells = [
            row.token_id.as_str(),
            &row.audience,
            &row.state,
            &row.subject,
            if row.resource.is_empty() { "any" } else { &row.resource },
            if row.single_use { "one" } else { "any" },
            &row.issue_time,
            &row.expire_time,
        ];
        cells.map(|cell: &str| plain(cell).into_owned())
    });
    output::listing(head, lines, &["ID", "AUDIENCE", "STATE", "ENDS", "SUBJECT"])
}
