//! What the command line takes. Whatever does not fit ends here, with exit code 2.

use clap::{Parser, Subcommand};

use crate::action::ActionCommand;
use crate::agent::AgentCommand;
use crate::completions::Completions;
use crate::dataset::DatasetCommand;
use crate::diagnose::{Explain, May, Whoami};
use crate::job::JobCommand;
use crate::keys::KeysCommand;
use crate::output::Format;
use crate::revocations::RevocationsCommand;
use crate::rules::Rules;
#[cfg(feature = "temporal")]
use crate::serve::WorkerArguments;
use crate::serve::{LabelerArguments, PlatformArguments, UpArguments};
use crate::session::SessionCommand;
use crate::token::TokenCommand;
use crate::trainer::Trainer;

/// gRPC services that trust each other by the contract.
#[derive(Debug, Parser)]
#[command(name = "hallpass", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// How to print results.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) output: Format,

    /// Print all columns of a list, however wide the terminal is.
    #[arg(long, global = true)]
    pub(crate) wide: bool,
}

const EXAMPLES: &str = "\
Examples:
  hallpass up
  export HALLPASS_TOKEN=$(hallpass token mint --subject alice)
  hallpass dataset list
  hallpass rules --output json

Exit codes: 0 done, 1 configuration error or failure, 2 invalid arguments.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run Platform and Labeler in one process: keys, a sample dataset, and what to try next.
    Up(UpArguments),
    /// Run Platform alone.
    Platform(PlatformArguments),
    /// Run Labeler alone.
    Labeler(LabelerArguments),
    /// Run Platform's jobs on Temporal.
    #[cfg(feature = "temporal")]
    Worker(WorkerArguments),
    /// Mint, inspect, verify and revoke tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Get tokens for elevated operations, and see how they are used.
    #[command(subcommand)]
    Action(ActionCommand),
    /// Open sessions, whose short handle stands for your token, see which are open, and close them.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Let agents act for you, see which you have, and end them.
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Look at key rings.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look into the revocation list, add to it, and mend a lost one.
    #[command(subcommand)]
    Revocations(RevocationsCommand),
    /// Import, share, split, keep, fetch and delete datasets.
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Create, follow, abort and retry training jobs.
    #[command(subcommand)]
    Job(JobCommand),
    /// Tell who you are to Platform: what your token says, which key signed it, how long it lives.
    Whoami(Whoami),
    /// Tell what you may call, and what is missing for the rest.
    May(May),
    /// Tell why a call of yours was refused.
    Explain(Explain),
    /// Print what each RPC demands, and what each scope is for.
    Rules(Rules),
    /// Compute what can be told of a fetched dataset.
    #[command(hide = true)]
    Trainer(Trainer),
    /// Print a script that completes commands in a shell.
    Completions(Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    /// A longer line is broken where the terminal ends, and cannot be pasted any more.
    #[test]
    fn an_example_fits_into_a_narrow_terminal() {
        let mut left = vec![Arguments::command()];
        while let Some(command) = left.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.lines().filter(|line| line.starts_with("  "));
            for line in examples {
                assert!(line.len() <= 80, "{}: {line}", command.get_name());
            }
            left.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn every_command_that_does_something_has_examples() {
        let mut left = vec![(String::new(), Arguments::command())];
        while let Some((above, command)) = left.pop() {
            let name = format!("{above}{}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.has_subcommands() || help.contains(&name), "{name} has no example");
            let below = command.get_subcommands().cloned();
            left.extend(below.map(|command| (format!("{name} "), command)));
        }
    }
}
