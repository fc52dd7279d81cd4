//! Who the caller is, as Platform sees them.

use clap::Args;
use hallpass_contract::auth::GetCallerRequest;
use serde::Serialize;

use super::facts::{self, Facts};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Where to ask.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass whoami
  hallpass whoami --output json

The first line is for people; nothing in it or below it is a token.")]
pub(crate) struct Whoami {
    #[command(flatten)]
    connection: Connection,
}

/// What programs get.
#[derive(Serialize)]
struct Diagnostics {
    summary: String,
    environment: String,
    auth_scheme: String,
    decision_id: String,
    token: Option<Facts>,
}

/// Asks and prints.
pub(super) async fn run(wanted: &Whoami, format: Format) -> Result<(), Failure> {
    let mut client = super::client(&wanted.connection).await?;
    let told = client.get_caller(unary(GetCallerRequest {})).await;
    let told = told.map_err(|status| refused(&status))?.into_inner();
    let of = Diagnostics {
        summary: told.summary,
        environment: told.environment,
        auth_scheme: told.auth_scheme,
        decision_id: told.decision_id,
        token: told.token.map(Facts::from),
    };
    match format {
        Format::Json => output::print_json(&of),
        Format::Text => {
            let mut rows = vec![vec!["scheme".to_owned(), of.auth_scheme]];
            rows.extend(of.token.iter().flat_map(facts::rows));
            output::print(&format!("{}\n\n{}", plain(&of.summary), output::table(&rows)))
        }
    }
}
