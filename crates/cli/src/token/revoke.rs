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
  hallpass token revoke - < token.txt

Without TOKEN the caller's own token is revoked: that of HALLPASS_TOKEN, --token-file or --as. With TOKEN and without a caller's
token, TOKEN authorizes its own end. A session's handle as TOKEN closes the session and leaves its token alone. With the scope
revocations:admin any TOKEN is revoked, also one that only other services can verify. Others on this machine can see arguments: prefer `-`.";

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
        let recorded = match client.revoke_token(caller::unary(request)).await {
            // It authorized its own end, and that had come already.
            Err(status) if own && caller::is_revoked(&status) => true,
            Err(status) => return Err(caller::refused(&status)),
            Ok(answer) => answer.into_inner().recorded,
        };
        say(recorded, format)
    })
}

/// Says what became of it. What is unknown or over needs no revocation (RFC 7009), and is not said to have had one.
pub(crate) fn say(recorded: bool, format: Format) -> Result<(), Failure> {
    const NOTHING: &str = "nothing to revoke: Platform knows no such token, or it has ended. If another service accepts it, have an \
                           administrator revoke it (scope revocations:admin)\n";
    match format {
        Format::Text => output::print(if recorded { "revoked\n" } else { NOTHING }),
        Format::Json => output::print_json(&json!({ "revoked": recorded })),
    }
}
