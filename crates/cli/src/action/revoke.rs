//! Ends an action token before its time.

use std::path::PathBuf;

use clap::Args;
use hallpass_contract::auth::RevokeTokenRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use secrecy::ExposeSecret as _;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::Format;
use crate::token;

/// Which token, and why.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass action revoke --action-token-file action.token
  echo \"$ACTION\" | hallpass action revoke --action-token-file - --reason unused

The caller's own token authorizes it: HALLPASS_TOKEN or --token-file. `hallpass token revoke-all` ends everything of yours.")]
pub(crate) struct Revoke {
    /// A file with the action token; `-` for stdin.
    #[arg(long, value_name = "FILE|-")]
    action_token_file: PathBuf,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "audience_completed", value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: Connection,
}

/// Revokes and says so.
pub(super) async fn run(wanted: Revoke, format: Format) -> Result<(), Failure> {
    let token = super::from_file(&wanted.action_token_file)?;
    let token = token.expose_secret().trim().to_owned();
    if token.is_empty() {
        let file = wanted.action_token_file.display();
        return Err(Failure::failed(format_args!("{file}: empty; right: an action token")));
    }
    let request = RevokeTokenRequest { token, reason: wanted.reason };
    let mut client = TokenServiceClient::new(wanted.connection.open_as_caller().await?);
    let revoked = client.revoke_token(unary(request)).await.map_err(|status| refused(&status))?;
    token::say_revoked(revoked.into_inner().recorded, format)
}
