//! Fuzz targets: what strangers send, bent out of shape at random. Each target has a property, not only that nothing panics.
//!
//! In `cargo test` each runs for a second. Longer: `BOLERO_RANDOM_TEST_TIME_MS=600000 cargo test -p hallpass-fuzz NAME -- --nocapture`, which
//! says how many inputs there were. A failure prints its seed; `BOLERO_RANDOM_SEED` brings it back.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a target fails by panicking")]
#![expect(
    clippy::print_stderr,
    reason = "whoever runs a target for long wants to know how much was tried"
)]

mod authorization;
mod bent;
mod grants;
mod keys;
mod rings;
mod tokens;
