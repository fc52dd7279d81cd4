//! What the caller may call, and what is missing for the rest.

use clap::Args;
use hallpass_contract::auth::{AllowedRpc, ListAllowedRpcsRequest, Missing};
use serde::Serialize;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// What to list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass may
  hallpass may --all --output json

Allowed means by the rule; whether you may do it to an object is decided with each call.")]
pub(crate) struct May {
    /// Also what you may not call, with what is missing.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    connection: Connection,
}

/// An RPC as programs read it.
#[derive(Serialize)]
struct Row {
    rpc: String,
    allowed: bool,
    missing: Vec<Lack>,
    objects: Vec<String>,
    description: String,
}

/// What a call lacks.
#[derive(Serialize)]
struct Lack {
    reason: String,
    needed: String,
}

impl From<AllowedRpc> for Row {
    fn from(of: AllowedRpc) -> Self {
        let lack = |Missing { reason, needed }| Lack { reason, needed };
        Self {
            rpc: of.rpc,
            allowed: of.allowed,
            missing: of.missing.into_iter().map(lack).collect(),
            objects: of.objects,
            description: of.description,
        }
    }
}

/// Asks and prints.
pub(super) async fn run(wanted: &May, format: Format) -> Result<(), Failure> {
    let mut client = super::client(&wanted.connection).await?;
    let request = ListAllowedRpcsRequest { only_allowed: !wanted.all };
    let listed = client.list_allowed_rpcs(unary(request)).await;
    let listed = listed.map_err(|status| refused(&status))?.into_inner();
    let rows: Vec<Row> = listed.rpcs.into_iter().map(Row::from).collect();
    match format {
        Format::Json => output::print_json(&rows),
        Format::Text => output::print(&table(&rows)),
    }
}

fn table(rows: &[Row]) -> String {
    let head = ["RPC", "ALLOWED", "MISSING", "DECIDED PER OBJECT", "DESCRIPTION"];
    let lines = rows.iter().map(|row| {
        let missing: Vec<_> =
            row.missing.iter().map(|lack| format!("{} {}", lack.reason, lack.needed)).collect();
        let cells = [
            row.rpc.clone(),
            if row.allowed { "yes" } else { "no" }.to_owned(),
            or_dash(missing.join("; ")),
            or_dash(row.objects.join(", ")),
            row.description.clone(),
        ];
        cells.map(|cell| plain(&cell).into_owned())
    });
    output::listing(head, lines, &["RPC", "ALLOWED", "MISSING"])
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
