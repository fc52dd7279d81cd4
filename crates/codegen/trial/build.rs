//! Compiles the trial's contract. Nothing else is needed: `hallpass/auth/v1/rule.proto` comes with the generator.

use std::process::ExitCode;

fn main() -> ExitCode {
    hallpass_codegen::Contract::new().build()
}
