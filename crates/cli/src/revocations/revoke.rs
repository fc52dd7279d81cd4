//! Revokes by name. Acknowledged once it is durable at Platform.

use clap::Args;
use hallpass_contract::auth::RevokeRequest;
use hallpass_contract::auth::revocation_service_client::RevocationServiceClient;
use prost_types::Timestamp;
use serde_json::json;

use super::target::{Named, instant};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format};

/// What is revoked whole, whenever it was issued.
const WHOLE: [&str; 4] = ["token_id", "fingerprint", "session", "key"];

/// What, why, and where.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass revocations revoke --issuer hallpass --subject bob --reason lost
  hallpass revocations revoke --key users-1 --reason \"key stolen\"
  hallpass revocations revoke --issuer hallpass --token-id $JTI \\
    --until 2099-12-24T00:00:00Z")]
pub(crate) struct Revoke {
    #[command(flatten)]
    named: Named,
    /// For a subject or a service: what was issued at or before this instant [default: now].
    #[arg(long, value_name = "INSTANT", value_parser = instant, conflicts_with_all = WHOLE)]
    before: Option<Timestamp>,
    /// When every token concerned has ended, so that the entry can be dropped [default: never].
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Timestamp>,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(wanted: Revoke, format: Format) -> Result<(), Failure> {
    let mut client = RevocationServiceClient::new(wanted.connection.open_as_caller().await?);
    let target = Some(wanted.named.target(wanted.before));
    let request = RevokeRequest { target, expire_time: wanted.until, reason: wanted.reason };
    let revoked = client.revoke(unary(request)).await.map_err(|s| refused(&s))?;
    let sequence = revoked.into_inner().sequence;
    match format {
        Format::Text => output::print(&format!("revoked, entry {sequence}\n")),
        Format::Json => output::print_json(&json!({ "sequence": sequence })),
    }
}
