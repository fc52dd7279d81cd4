//! The command line as its users meet it: the real binary, its exit codes, and what stands on stdout and on stderr.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should say where and stop"
)]

mod conformance;
mod exit_codes;
mod hostile;
mod keys;
mod mesh;
mod minting;
mod privacy;
mod pyjwt;
mod refusals;
mod rings;
mod rules;
mod run;
mod settings;
#[cfg(feature = "ssm")]
mod ssm;
mod verifying;
