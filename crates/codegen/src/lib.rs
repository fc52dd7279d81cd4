//! Builds a contract: reads the rules out of `.proto` files, refuses the ones that are missing or contradictory, and writes
//! messages, clients, the table of rules, and the adapters through which alone a service can be served.
//!
//! Invariant: what is written has a checked rule for every RPC; a problem, and every other one with it, is reported as
//! file, line, service and RPC, and then nothing is written.
//!
//! A service's `build.rs` is one line, and its library includes the result:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     hallpass_codegen::Contract::new().root("proto").build()
//! }
//! ```
//!
//! ```text
//! include!(concat!(env!("OUT_DIR"), "/contract.rs"));
//! ```

mod check;
mod compile;
mod contract;
mod generate;
mod model;
mod names;
mod options;
mod path;
mod problem;

pub use contract::Contract;
pub use problem::{Problem, Problems};
