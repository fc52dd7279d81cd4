//! Revokes a token by presenting it to Platform. Acknowledged once it is durable there.

use clap::Args;
use hallpass_contract::auth::RevokeTokenRequest;
use hallpass_contract::auth::token_service_client::TokenServiceClient;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::caller::{self, Connection, Credential};
use crate::failure::Failure;
use crate::output::{self, Format};

const EXAMPLES: &str = "\
Examples:
  HALLPASS_TOKEN=$TOKEN hallpass token revoke --reason \"laptop lost\"
  hallpass token revoke - --server https://platform.example --ca ca.pem < token.txt

Without TOKEN the caller's own token is revoked: that of HALLPASS_TOKEN, --token-file or --as. With TOKEN and without a caller's
token, TOKEN authorizes its own end. A session's handle as TOKEN closes the session and leaves its token alone. Others on this machine can see arguments: prefer `-`.";

/// Which token, where, and why.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Revoke {
    /// The token; `-` reads it from stdin.
    #[arg(value_name = "TOKEN|-")]
    token: Option<SecretString>,
    #[command(flatten)]
    connection: Connection,
    /// The caller's token; `HALLPASS_TOKEN` and --token-file are not visible to others.
    #[arg(long = "as", value_name = "TOKEN", conflicts_with = "token_file")]
    caller: Option<SecretString>,
    /// Why, for the operator's record; at most 200 characters.
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
}

/// Revokes and says so.
pub(crate) fn run(wanted: Revoke, format: Format) -> Result<(), Failure> {
    let revoked = wanted.token.as_ref().map(super::read).transpose()?;
    let caller = match wanted.caller {
        Some(token) => Some(token),
        None => wanted.connection.token()?,
    };
    let credential = caller.as_ref().or(revoked.as_ref()).ok_or_else(|| {
        Failure::arguments("which token? right: TOKEN, `-`, --token-file FILE or HALLPASS_TOKEN")
    })?;
    let credential = Credential::of(credential)?;
    // Empty means the token that authorizes the call, and a session's own token where a handle does. What is presented is what is meant.
    let own = caller.is_none() || revoked.is_none();
    let token = revoked.as_ref().map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let request = RevokeTokenRequest { token, reason: wanted.reason };
    caller::wait_for(async {
        let mut client = TokenServiceClient::new(wanted.connection.open(credential).await?);
        match client.revoke_token(caller::unary(request)).await {
            // It authorized its own end, and that had come already.
            Err(status) if own && caller::is_revoked(&status) => {}
            answer => answer.map(drop).map_err(|status| caller::refused(&status))?,
        }
        match format {
            Format::Text => output::print("revoked\n"),
            Format::Json => output::print_json(&json!({ "revoked": true })),
        }
    })
}
