//! The tables' history: what brings a database from any earlier version to this one.
//!
//! Invariant: a migration that has been released is never edited. A database in which one was, or which a newer program has
//! brought further, is refused.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrationType, Migrator};

/// One step, written for each database.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its number; they are run in this order.
    pub version: i64,
    /// What it brings.
    pub name: &'static str,
    /// For SQLite.
    pub sqlite: &'static str,
    /// For PostgreSQL.
    pub postgres: &'static str,
}

/// All steps of a service.
pub type Migrations = [Migration];

/// Embeds the files `migrations/sqlite/NAME.sql` and `migrations/postgres/NAME.sql` of the crate that says so.
#[macro_export]
macro_rules! migrations {
    ($($version:literal => $name:literal),+ $(,)?) => {
        [$($crate::Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

pub(crate) fn migrator(steps: &Migrations, sql: impl Fn(&Migration) -> &'static str) -> Migrator {
    let steps = steps.iter().map(|step| {
        sqlx::migrate::Migration::new(
            step.version,
            step.name.into(),
            MigrationType::Simple,
            sql(step).into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect())
}
