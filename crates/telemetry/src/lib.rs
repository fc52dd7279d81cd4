//! Logs, traces and metrics of a process that runs one service or several.
//!
//! Invariants: without an exporter nothing is measured and nothing is paid for; a collector that is dead, slow or full
//! neither slows nor breaks a call; what callers send never makes span names or metric labels without bound. No crate of
//! ours stands below this one.

mod body;
mod call;
mod checks;
mod client;
mod environment;
mod exporter;
mod logs;
mod panics;
mod propagation;
mod response;
mod server;
mod service;
mod settings;
mod status;
mod telemetry;
mod tls;
mod tracer;
pub mod urls;
mod work;

pub use body::TracedBody;
pub use client::{ClientTrace, ClientTraceLayer};
pub use environment::TelemetryError;
pub use panics::{ending, gone, spawn_watched};
pub use response::TracedResponse;
pub use server::{Trace, TraceLayer};
pub use service::ServiceTelemetry;
pub use settings::{LogFormat, Settings};
pub use telemetry::{Telemetry, init};
pub use work::{Work, current_trace};

#[cfg(test)]
mod tests;
