//! One entry, by its name.

use clap::Args;
use hallpass_contract::auth::GetRevocationRequest;
use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;

use super::list::{Row, table};
use super::target::Named;
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format};

/// What, and where.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass revocations show --issuer hallpass --subject bob
  hallpass revocations show --key users-1 --output json")]
pub(crate) struct Show {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(wanted: Show, format: Format) -> Result<(), Failure> {
    let mut client = RevocationServiceClient::new(wanted.connection.open_as_caller().await?);
    let request = GetRevocationRequest { target: Some(wanted.named.target(None)) };
    let found = client.get_revocation(unary(request)).await.map_err(|s| refused(&s))?;
    let found = found.into_inner().revocation;
    let found = found.ok_or_else(|| Failure::failed("the server answered without an entry"))?;
    match format {
        Format::Json => output::print_json(&Row::from(found)),
        Format::Text => output::print(&table(&[found.into()])),
    }
}
