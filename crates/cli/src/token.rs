//! Mints tokens, looks into them, verifies and revokes them.

mod inspect;
mod mint;
mod pasted;
mod revoke;
mod revoke_all;
mod signature;
mod validate;
mod verify;

pub(crate) use revoke::say as say_revoked;

use std::io::Read as _;

use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::output::Format;

/// What to do with a token.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Mint a token and print it, alone, on stdout.
    Mint(mint::Mint),
    /// Show what a token says, without verifying it.
    Inspect(inspect::Inspect),
    /// Verify a token; exit code 1 and the reason if it is not valid.
    Verify(verify::Verify),
    /// Ask a running Platform whether a token is good; exit code 1 and the reason if it is not.
    Validate(validate::Validate),
    /// Revoke a token at a running Platform.
    Revoke(revoke::Revoke),
    /// Revoke everything of yours that was issued up to now.
    RevokeAll(revoke_all::RevokeAll),
}

/// Runs the command.
pub(crate) fn run(command: TokenCommand, format: Format) -> Result<(), Failure> {
    match command {
        TokenCommand::Mint(wanted) => mint::run(&wanted, format),
        TokenCommand::Inspect(wanted) => inspect::run(&wanted, format),
        TokenCommand::Verify(wanted) => verify::run(wanted, format),
        TokenCommand::Validate(wanted) => validate::run(&wanted, format),
        TokenCommand::Revoke(wanted) => revoke::run(wanted, format),
        TokenCommand::RevokeAll(wanted) => revoke_all::run(wanted, format),
    }
}

/// The most that is read from stdin; longer than any token.
const LONGEST: u64 = 1024 * 1024;

/// The token of an argument: itself, or what stdin has where it is `-`.
pub(crate) fn read(argument: &SecretString) -> Result<SecretString, Failure> {
    if argument.expose_secret() == "-" { from_stdin() } else { pasted("TOKEN", argument) }
}

/// The token that stdin has, without what stands around it.
pub(crate) fn from_stdin() -> Result<SecretString, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    let text: SecretString = text.into();
    read.map_err(|error| Failure::failed(format_args!("stdin: {error}; right: a token")))?;
    match text.expose_secret().trim() {
        "" => Err(Failure::failed("stdin: empty; right: a token")),
        _ => pasted("stdin", &text),
    }
}

/// The token in a text, without `Bearer`, a header's name and quotes.
pub(crate) fn pasted(source: &str, text: &SecretString) -> Result<SecretString, Failure> {
    let token = pasted::token(text.expose_secret());
    token.map(Into::into).map_err(|problem| Failure::failed(format_args!("{source}: {problem}")))
}
