//! What the layers report, seen by an exporter that keeps everything in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod environment;
mod hops;
mod recorder;
mod statuses;
