//! The command line of Hallpass. Exit codes: 0 when done, 1 when something is wrong, 2 for arguments that are not right.

mod action;
mod agent;
mod arguments;
mod caller;
mod completions;
mod dataset;
mod diagnose;
#[cfg(test)]
mod documented;
mod failure;
mod instant;
mod job;
mod keys;
mod life;
mod named;
mod output;
mod privacy;
mod revocations;
mod rings;
mod rules;
mod secrets;
mod serve;
mod session;
mod token;
mod trainer;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use hallpass_telemetry::urls;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    run(arguments()).map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

/// The arguments. What the parser refuses it repeats, so a URL's password is taken out.
fn arguments() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|refused| {
        let told = refused.to_string();
        let shown = urls::redacted(&told);
        if refused.use_stderr() && *shown != *told {
            let _ = write!(std::io::stderr(), "{shown}");
            std::process::exit(refused.exit_code());
        }
        refused.exit()
    })
}

fn run(Arguments { command, output, wide }: Arguments) -> Result<(), Failure> {
    output::fit(wide);
    match &command {
        // These serve.
        Command::Up(_) | Command::Platform(_) | Command::Labeler(_) => privacy::close(),
        #[cfg(feature = "temporal")]
        Command::Worker(_) => privacy::close(),
        // What these make is the user's to share: datasets, results, a trainer's output.
        Command::Dataset(_) | Command::Job(_) | Command::Trainer(_) => {}
        _ => privacy::narrow(),
    }
    match command {
        Command::Token(command) => token::run(command, output),
        Command::Action(command) => action::run(command, output),
        Command::Revocations(command) => revocations::run(command, output),
        Command::Session(command) => session::run(command, output),
        Command::Agent(command) => agent::run(command, output),
        Command::Keys(command) => keys::run(&command, output),
        Command::Dataset(command) => dataset::run(command, output),
        Command::Job(command) => job::run(command, output),
        Command::Up(arguments) => serve::up(&arguments, output),
        Command::Platform(arguments) => serve::platform(&arguments, output),
        Command::Labeler(arguments) => serve::labeler(&arguments, output),
        Command::Whoami(wanted) => diagnose::whoami(&wanted, output),
        Command::May(wanted) => diagnose::may(&wanted, output),
        Command::Explain(wanted) => diagnose::explain(wanted, output),
        #[cfg(feature = "temporal")]
        Command::Worker(arguments) => serve::worker(&arguments, output),
        Command::Rules(wanted) => rules::run(&wanted, output),
        Command::Trainer(wanted) => trainer::run(&wanted),
        Command::Completions(wanted) => completions::run(&wanted),
    }
}
