//! Scripts that complete commands in a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;

/// Which script.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(hallpass completions bash)
  hallpass completions zsh > _hallpass")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(wanted: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(wanted.shell, &mut Arguments::command(), "hallpass", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
