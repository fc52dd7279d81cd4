//! Compiles the contract: `proto/` into messages, clients, rules and adapters. What is wrong in it stops the build.

use std::process::ExitCode;

fn main() -> ExitCode {
    hallpass_codegen::Contract::new().root("proto").build()
}
