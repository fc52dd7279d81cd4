//! Asks a running Platform whether a token is good: revocation and use included.

use clap::Args;
use hallpass_contract::auth::ValidateTokenRequest;
use hallpass_contract::auth::diagnostics_service_client::DiagnosticsServiceClient;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::caller::{self, Connection, refused, unary};
use crate::diagnose::facts::{self, Facts};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Which token.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass token validate
  echo \"$TOKEN\" | hallpass token validate - --output json

Without TOKEN it is the caller's own. Another's token looks like none. Others on this machine can see arguments: prefer `-`.

Exit codes: 0 passed, 1 failed or a configuration error, 2 invalid arguments.")]
pub(crate) struct Validate {
    /// The token; `-` reads it from stdin.
    #[arg(value_name = "TOKEN|-")]
    token: Option<SecretString>,
    #[command(flatten)]
    connection: Connection,
}

/// Asks and prints.
pub(super) fn run(wanted: &Validate, format: Format) -> Result<(), Failure> {
    let token = wanted.token.as_ref().map(super::read).transpose()?;
    let token = token.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    let told = caller::wait_for(async {
        let mut client = DiagnosticsServiceClient::new(wanted.connection.open_as_caller().await?);
        let told = client.validate_token(unary(ValidateTokenRequest { token })).await;
        told.map_err(|status| refused(&status))
    })?
    .into_inner();
    let passed = told.validation == "passed";
    let claims = told.validated_claims.map(Facts::from);
    match format {
        Format::Json => output::print_json(&json!({
            "validation": told.validation,
            "reason": told.reason,
            "explanation": told.explanation,
            "validated_claims": claims,
        }))?,
        Format::Text => {
            let rows: Vec<_> = claims.iter().flat_map(facts::rows).collect();
            let text =
                format!("validation: {}\n\n{}", plain(&told.validation), output::table(&rows));
            output::print(&text)?;
        }
    }
    if passed {
        return Ok(());
    }
    let (reason, explanation) = (plain(&told.reason), plain(&told.explanation));
    Err(Failure::failed(format_args!("{explanation} (reason {reason})")))
}
