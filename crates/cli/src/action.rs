//! Elevated operations at a running Platform: tokens for them, and the calls that need one.
//!
//! Invariant: an action token goes to stdout or into a file that only its owner can read, and is never taken from an argument.

mod issue;
mod list;
mod revoke;
mod tokens;
mod usage;

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hallpass_contract::auth::IssueActionTokenRequest;
use hallpass_contract::auth::action_service_client::ActionServiceClient;
use hallpass_guard::elevate;
use secrecy::{ExposeSecret as _, SecretString};
use tonic::Request;

use crate::caller::{self, Service, refused, unary};
use crate::failure::Failure;
use crate::life::Life;
use crate::output::Format;
use crate::token;

/// What to do about elevated operations.
#[derive(Debug, Subcommand)]
pub(crate) enum ActionCommand {
    /// List the elevated operations and what each demands.
    List(list::List),
    /// Get an action token and print it, alone, on stdout, or write it to a file.
    Issue(issue::Issue),
    /// Revoke an action token.
    Revoke(revoke::Revoke),
    /// List action tokens that were issued and have not ended.
    Tokens(tokens::Tokens),
    /// Tell how often action tokens were issued, used and refused lately.
    Usage(usage::Usage),
}

/// Where the action token for a call comes from.
#[derive(Debug, Args)]
pub(crate) struct Elevation {
    /// A file with the action token, `-` for stdin [default: one is got for the call].
    #[arg(long, value_name = "FILE|-")]
    action_token_file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(command: ActionCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            ActionCommand::List(wanted) => list::run(&wanted, format).await,
            ActionCommand::Issue(wanted) => issue::run(wanted, format).await,
            ActionCommand::Revoke(wanted) => revoke::run(wanted, format).await,
            ActionCommand::Tokens(wanted) => tokens::run(wanted, format).await,
            ActionCommand::Usage(wanted) => usage::run(&wanted, format).await,
        }
    })
}

/// A request of an RPC by its path, `/package.Service/Method`. If its rule demands an action token, one is attached: that of the
/// file, or one that is got for this call.
pub(crate) async fn request<T>(
    service: &Service,
    path: &str,
    message: T,
    elevation: &Elevation,
) -> Result<Request<T>, Failure> {
    let mut request = unary(message);
    let action = hallpass_contract::rule(path).and_then(hallpass_policy::Rule::action);
    let token = match (action, &elevation.action_token_file) {
        (None, None) => return Ok(request),
        (None, Some(_)) => {
            return Err(Failure::arguments(
                "--action-token-file: the operation demands no action token; right: leave it out",
            ));
        }
        (Some(_), Some(file)) => from_file(file)?,
        (Some(action), None) => {
            let wish = IssueActionTokenRequest {
                audience: action.audience.to_owned(),
                life_seconds: 0,
                resource: None,
            };
            let mut client = ActionServiceClient::new(service.clone());
            let issued = client.issue_action_token(unary(wish)).await.map_err(|s| refused(&s))?;
            issued.into_inner().token.into()
        }
    };
    elevate(&mut request, token.expose_secret().trim()).map_err(|status| refused(&status))?;
    Ok(request)
}

fn from_file(file: &Path) -> Result<SecretString, Failure> {
    if file == Path::new("-") {
        return token::from_stdin();
    }
    std::fs::read_to_string(file)
        .map(SecretString::from)
        .map_err(|error| Failure::failed(format_args!("{}: {error}", file.display())))
}

/// A life in seconds; zero where none is asked for. Platform says which it takes.
pub(crate) fn seconds(asked: Option<Life>) -> Result<u32, Failure> {
    let secs = match asked {
        None => Some(0),
        Some(Life::For(life)) => u32::try_from(life.as_secs()).ok(),
        Some(Life::Never) => None,
    };
    secs.ok_or_else(|| Failure::arguments("--expires-in: too long; right: at most 24h"))
}

/// Writes a token into a file that only its owner can read: one that was there before is narrowed before anything is written.
pub(crate) fn write(file: &Path, token: &str) -> Result<(), Failure> {
    let written = || {
        let mut open = OpenOptions::new();
        let mut out = open.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        out.set_permissions(Permissions::from_mode(0o600))?;
        writeln!(out, "{token}")
    };
    written()
        .map_err(|error: io::Error| Failure::failed(format_args!("{}: {error}", file.display())))
}
