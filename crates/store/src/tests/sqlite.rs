//! What is particular to a file of SQLite.

use sqlx::Row as _;
use tempfile::TempDir;

use super::STEPS;
use crate::{Location, Store};

#[tokio::test]
async fn every_connection_is_careful() {
    let folder = TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("store.sqlite"));
    let store = Store::open(&location, &STEPS).await.unwrap();
    let mut held = Vec::new();
    for writes in [true, false, false] {
        let connection = if writes { store.write().await } else { store.read().await };
        let mut connection = connection.unwrap();
        // 2 is FULL.
        for (asked, right) in [
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("busy_timeout", "5000"),
            ("query_only", if writes { "0" } else { "1" }),
        ] {
            let row = sqlx::AssertSqlSafe(format!("PRAGMA {asked}"));
            let row = sqlx::query(row).fetch_one(&mut *connection).await.unwrap();
            assert_eq!(row.try_get::<i64, _>(0).unwrap().to_string(), right, "{asked}");
        }
        let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        assert_eq!(row.try_get::<String, _>(0).unwrap(), "wal");
        held.push(connection);
    }
}

#[tokio::test]
async fn a_path_is_taken_as_it_is() {
    let folder = TempDir::new().unwrap();
    let odd = folder.path().join("a b?mode=ro#c%41 ä:memory:");
    std::fs::create_dir(&odd).unwrap();
    let file = odd.join("store.sqlite");
    let store = Store::open(&Location::Sqlite(file.clone()), &STEPS).await.unwrap();
    store.close().await;
    assert!(file.is_file());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
