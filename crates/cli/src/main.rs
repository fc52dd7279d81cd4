//! The command line of Hallpass. Exit codes: 0 when done, 1 when something is wrong, 2 for arguments that are not right.

mod action;
mod agent;
mod arguments;
mod caller;
mod completions;
mod dataset;
mod diagnose;
mod failure;
mod instant;
mod job;
mod keys;
mod life;
mod output;
mod revocations;
mod rings;
mod rules;
mod secrets;
mod serve;
mod session;
mod token;
mod trainer;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    run(Arguments::parse()).map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS)
}

fn run(Arguments { command, output }: Arguments) -> Result<(), Failure> {
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
        Command::Rules => rules::run(output),
        Command::Trainer(wanted) => trainer::run(&wanted),
        Command::Completions(wanted) => completions::run(&wanted),
    }
}
