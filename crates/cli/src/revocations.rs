//! What is revoked at a running Platform, and the list of one that does not run.
//!
//! Invariant: nothing here takes a revocation back.

mod import;
mod list;
mod offline;
mod refill;
mod reset;
mod revoke;
mod show;
mod target;

use clap::Subcommand;

use crate::caller;
use crate::failure::Failure;
use crate::output::Format;

/// What to do about revocations.
#[derive(Debug, Subcommand)]
pub(crate) enum RevocationsCommand {
    /// List what is revoked, with the reason, who asked for it and when.
    List(list::List),
    /// Look up what is revoked under a name.
    Show(show::Show),
    /// Revoke a token with its descendants, a session, a key, or all of a subject or a service.
    Revoke(revoke::Revoke),
    /// Revoke everything that a file names.
    Import(import::Import),
    /// Fill a lost list from a follower's; Platform must not run.
    Refill(refill::Refill),
    /// Begin a lost list anew: everything issued before now is refused. Platform must not run.
    Reset(reset::Reset),
}

/// Runs the command.
pub(crate) fn run(command: RevocationsCommand, format: Format) -> Result<(), Failure> {
    caller::wait_for(async {
        match command {
            RevocationsCommand::List(wanted) => list::run(&wanted, format).await,
            RevocationsCommand::Show(wanted) => show::run(wanted, format).await,
            RevocationsCommand::Revoke(wanted) => revoke::run(wanted, format).await,
            RevocationsCommand::Import(wanted) => import::run(&wanted, format).await,
            RevocationsCommand::Refill(wanted) => refill::run(&wanted, format).await,
            RevocationsCommand::Reset(wanted) => reset::run(wanted, format).await,
        }
    })
}
