//! Revokes all tokens of the caller. Acknowledged once it is durable at Platform.

use clap::Args;
use hallpass_contract::auth::RevokeAllTokensRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use serde_json::json;

use crate::caller::{self, Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format};

/// Where, and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass token revoke-all --reason \"laptop lost\"

The token that authorizes it is revoked with all others; get a new one afterwards.")]
pub(crate) struct RevokeAll {
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Revokes and says up to when.
pub(crate) fn run(wanted: RevokeAll, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        let mut client = TokenServiceClient::new(wanted.connection.open_as_caller().await?);
        let request = RevokeAllTokensRequest { reason: wanted.reason };
        let revoked = client.revoke_all_tokens(unary(request)).await.map_err(|s| refused(&s))?;
        let before = instant::of_timestamp(revoked.into_inner().issued_before);
        match format {
            Format::Text => output::print(&format!("revoked all that was issued up to {before}\n")),
            Format::Json => output::print_json(&json!({ "issued_before": before })),
        }
    })
}
