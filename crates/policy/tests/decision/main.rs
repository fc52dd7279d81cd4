//! The decision as a table: one good call, and each fact that can be wrong in it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod claimed;
mod decided;
mod elevated;
mod fixture;
mod user;
