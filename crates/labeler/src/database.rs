//! The metadata, in SQLite.
//!
//! Invariant: what a statement returned as written is on the disk (WAL, synchronous=FULL), and each method sees one state of the
//! database, whatever is written meanwhile.

mod read;
mod write;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{SqlSafeStr, SqlStr};

pub(crate) use read::{FileRow, Listed, Several};
pub(crate) use write::{Inserted, NewDataset, same_wish};

/// How long a statement waits for another process or a writer before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers do not wait for each other nor for the one writer.
const CONNECTIONS: u32 = 4;

const MIGRATIONS: [(i64, &str, &str); 1] =
    [(1, "datasets", include_str!("../migrations/0001_datasets.sql"))];

/// The one pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: SqlitePool,
}

impl Database {
    /// Opens or makes the database and brings its tables up to date.
    pub(crate) async fn open(file: &Path) -> Result<Self, MigrateError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_with(options)
            .await?;
        migrations().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(|_| ())
    }

    /// Ends all connections and merges the write-ahead log.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn migrations() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, text(sql), false)
    });
    Migrator::with_migrations(migrations.into())
}

fn text(sql: &'static str) -> SqlStr {
    sql.into_sql_str()
}

/// SQLite's integers are signed; counts stay far below the end.
const fn to_stored(count: u64) -> i64 {
    count.cast_signed()
}

const fn from_stored(count: i64) -> u64 {
    count.cast_unsigned()
}
