//! The mesh as its users meet it: the real binary, real sockets on loopback, the real tools.
//!
//! A test starts its own mesh on port 0 and ends it; none waits for time to pass.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should say where and stop"
)]

mod actions;
mod callers;
mod datasets;
mod datasets_cut;
mod datasets_splits;
mod diagnostics;
mod elevated;
mod failing_disk;
mod faults;
mod frontend;
mod grants;
mod jobs;
mod keys;
mod matrix;
mod mesh;
mod nats;
mod oidc;
mod pace;
mod pages;
mod postgres;
mod raw;
mod reference_suite;
mod revocation;
mod sessions;
mod standing;
#[cfg(feature = "temporal")]
mod temporal;
mod tools;
mod tour;
mod traces;
