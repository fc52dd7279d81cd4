//! Tests of the whole service without a transport: real tokens, the real object check, real files and a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test")]

mod access;
mod audit;
mod callers;
mod chance;
mod contention;
mod deleting;
mod downloads;
mod grants;
mod idempotency;
mod job_owner;
mod lists;
mod model;
mod nearly_full;
mod on_s3;
mod opening;
mod pages;
mod permissions;
mod quota;
mod snapshots;
mod snapshots_kept;
mod splits;
mod splits_together;
mod updating;
mod uploads;
mod uploads_faults;
mod uploads_finish;
mod uploads_import;
mod uploads_limits;
mod uploads_memory;
mod uploads_resume;
mod uploads_steps;
mod uploads_turns;
mod urls;
mod world;

#[test]
fn the_suite_on_postgresql() {
    hallpass_store::testing::run_again_on_postgres("the_suite_on_postgresql");
}
