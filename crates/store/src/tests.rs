//! The store on real databases: a file of SQLite, a PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

mod changes;
mod locations;
mod opening;
mod postgres;
mod proxy;
mod sharing;
mod sqlite;

use tempfile::TempDir;

use crate::{Location, Migration, Store, testing};

/// A table of accounts, one of which may not be empty.
const STEPS: [Migration; 1] = [Migration {
    version: 1,
    name: "accounts",
    sqlite: "CREATE TABLE accounts (name TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL) STRICT; \
             CREATE TABLE own_keys (name TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL) STRICT",
    postgres: "CREATE TABLE accounts (name TEXT COLLATE \"C\" NOT NULL UNIQUE, amount BIGINT NOT NULL); \
               CREATE TABLE own_keys (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, key BYTEA NOT NULL)",
}];

/// A store of its own, on the database of this run.
async fn fresh() -> (TempDir, Location, Store) {
    let folder = TempDir::new().unwrap();
    let location = testing::location(&folder.path().join("store.sqlite")).await;
    let store = Store::open(&location, &STEPS).await.unwrap();
    (folder, location, store)
}

#[test]
fn the_suite_on_postgresql() {
    testing::run_again_on_postgres("the_suite_on_postgresql");
}
