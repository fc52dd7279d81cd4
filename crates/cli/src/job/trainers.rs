//! The trainers that jobs can be run with.

use clap::Args;
use hallpass_contract::platform::job_service_client::JobServiceClient;
use hallpass_contract::platform::{ListTrainersRequest, Trainer};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant::length;
use crate::output::{self, Format, plain};

/// Where to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass job trainers\n  hallpass job trainers --output json")]
pub(crate) struct Trainers {
    #[command(flatten)]
    connection: Connection,
}

/// A trainer as it is listed.
#[derive(Serialize)]
struct Row {
    name: String,
    time_limit_seconds: u64,
    scopes: Vec<String>,
    usual: bool,
}

impl From<Trainer> for Row {
    fn from(of: Trainer) -> Self {
        let Trainer { name, time_limit_seconds, scopes, usual } = of;
        Self { name, time_limit_seconds, scopes, usual }
    }
}

/// Asks and prints.
pub(super) async fn run(wanted: &Trainers, format: Format) -> Result<(), Failure> {
    let mut client = JobServiceClient::new(wanted.connection.open_as_caller().await?);
    let listed = client.list_trainers(unary(ListTrainersRequest {})).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.trainers.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        let limit = length(std::time::Duration::from_secs(row.time_limit_seconds));
        let usual = if row.usual { "yes" } else { "" };
        let cells = [&row.name, &limit, usual, &row.scopes.join(" ")];
        cells.map(|cell: &str| plain(cell).into_owned())
    });
    output::listing(["NAME", "TIME LIMIT", "USED UNLESS NAMED", "SCOPES"], lines, &["NAME"])
}
