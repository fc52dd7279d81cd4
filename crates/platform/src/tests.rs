//! Platform's handlers and object check, with real proofs, before a Labeler that tests script and a real guard protects.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod answers;
mod artifacts;
mod callers;
mod datasets;
mod edge;
mod every_rpc;
mod fake;
mod fake_splits;
mod followed;
mod jobs;
mod lent;
mod long_jobs;
mod long_transfers;
mod objects;
mod raw;
mod recorder;
mod schema;
mod stock;
mod turns;
mod uploads;
mod world;

#[test]
fn the_suite_on_postgresql() {
    hallpass_store::testing::run_again_on_postgres("the_suite_on_postgresql");
}
