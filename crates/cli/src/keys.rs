//! Key rings: made, listed, rotated, retired, given away. Nothing here shows what signs.

mod add_secret;
mod edit;
mod export;
mod generate;
mod list;
mod retire;
pub(crate) mod rotate;
mod rotate_running;

use clap::Subcommand;

pub(crate) use edit::Rings;

use crate::failure::Failure;
use crate::output::Format;

/// What to do with rings.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the keys of a ring: names and rights, no secrets.
    List(list::List),
    /// Make a key and put it into a ring, which is made if it is not there.
    Generate(generate::Generate),
    /// Print the public halves of a ring's keys, as verifiers take them.
    Export(export::Export),
    /// Put keys that were exported, or a shared secret by its place, into a ring.
    Add(export::Add),
    /// Put a new key in the place of one, without a refused call.
    Rotate(rotate::Rotate),
    /// Have a running Platform put new keys in the place of its own.
    RotateRunning(rotate_running::RotateRunning),
    /// Refuse a key's tokens from now on.
    Retire(retire::Retire),
}

/// Runs the command.
pub(crate) fn run(command: &KeysCommand, format: Format) -> Result<(), Failure> {
    match command {
        KeysCommand::List(wanted) => list::run(wanted, format),
        KeysCommand::Generate(wanted) => generate::run(wanted, format),
        KeysCommand::Export(wanted) => export::run(wanted),
        KeysCommand::Add(wanted) => export::add(wanted, format),
        KeysCommand::Rotate(wanted) => rotate::run(wanted, format),
        KeysCommand::RotateRunning(wanted) => rotate_running::run(wanted, format),
        KeysCommand::Retire(wanted) => retire::run(wanted, format),
    }
}
