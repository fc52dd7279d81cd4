//! The elevated operations as Platform has them.

use clap::Args;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_contract::auth::{ActionAudience, ListAudiencesRequest};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass action list\n  hallpass action list --output json")]
pub(crate) struct List {
    #[command(flatten)]
    connection: Connection,
}

/// An operation as it is listed.
#[derive(Serialize)]
struct Row {
    audience: String,
    description: String,
    shortest_life_seconds: u32,
    longest_life_seconds: u32,
    usual_life_seconds: u32,
    single_use: bool,
    roles: Vec<String>,
    amr_values: Vec<String>,
    max_age_seconds: Option<u32>,
    rpcs: Vec<String>,
}

impl From<ActionAudience> for Row {
    fn from(of: ActionAudience) -> Self {
        Self {
            audience: of.audience,
            description: of.description,
            shortest_life_seconds: of.shortest_life_seconds,
            longest_life_seconds: of.longest_life_seconds,
            usual_life_seconds: of.usual_life_seconds,
            single_use: of.single_use,
            roles: of.roles,
            amr_values: of.amr_values,
            max_age_seconds: of.max_age_seconds,
            rpcs: of.rpcs,
        }
    }
}

/// Lists.
pub(super) async fn run(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = ActionServiceClient::new(wanted.connection.open_as_caller().await?);
    let listed = client.list_audiences(unary(ListAudiencesRequest {})).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.audiences.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["AUDIENCE", "LIFE", "CALLS", "ROLES", "AUTHENTICATION", "RPCS", "DESCRIPTION"];
    let lines = rows.iter().map(|row| {
        let [shortest, longest] = [row.shortest_life_seconds, row.longest_life_seconds];
        let cells = [
            row.audience.clone(),
            format!("{shortest}-{longest} s, {} s", row.usual_life_seconds),
            if row.single_use { "one" } else { "any" }.to_owned(),
            or_dash(row.roles.join(" or ")),
            or_dash(authentication(row)),
            row.rpcs.join(", "),
            row.description.clone(),
        ];
        cells.map(|cell| plain(&cell).into_owned())
    });
    output::listing(head, lines, &["AUDIENCE", "CALLS", "DESCRIPTION", "LIFE", "AUTHENTICATION"])
}

/// Such as `otp or hwk, within 300 s`.
fn authentication(row: &Row) -> String {
    let factors = (!row.amr_values.is_empty()).then(|| row.amr_values.join(" or "));
    let age = row.max_age_seconds.map(|age| format!("within {age} s"));
    factors.into_iter().chain(age).collect::<Vec<_>>().join(", ")
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
