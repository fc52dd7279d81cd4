//! Why a database cannot be opened, said so that it can be put right.

use sqlx::migrate::MigrateError;

use crate::migrations::Migrations;
use crate::{Location, LocationError};

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct OpenError {
    /// Which one; it shows itself without its password.
    pub location: Location,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nobody listens there, or the network does not lead there.
    #[error("no server answers there: {0}")]
    Unreachable(String),
    /// The server does not take this user, this password or this way of coming.
    #[error("the server refuses the user: {0}")]
    Refused(String),
    /// The server has no such database.
    #[error("{0}; right: make it first, with CREATE DATABASE")]
    NoDatabase(String),
    /// A newer program has changed the tables.
    #[error(
        "its tables are of a newer program (version {found}; this one knows {known}); right: start that program, or an older copy of the \
         database"
    )]
    Newer {
        /// The version of the tables.
        found: i64,
        /// The last version that this program knows.
        known: i64,
    },
    /// The tables were made by a step that this program has in another form.
    #[error("its tables are not this program's: step {0} has another content")]
    Foreign(i64),
    /// The location is not one.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// Anything else, as the database said it.
    #[error("{0}")]
    Other(String),
}

impl Problem {
    pub(crate) fn late() -> Self {
        Self::Unreachable("it took too long".to_owned())
    }

    pub(crate) fn connecting(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match (error, code.as_deref()) {
            (_, Some("28000" | "28P01")) => Self::Refused(said(error)),
            (_, Some("3D000")) => Self::NoDatabase(said(error)),
            (sqlx::Error::Io(_) | sqlx::Error::Tls(_), _) => Self::Unreachable(error.to_string()),
            _ => Self::Other(said(error)),
        }
    }

    pub(crate) fn migrating(error: &MigrateError, steps: &Migrations) -> Self {
        let known = steps.iter().map(|step| step.version).max().unwrap_or(0);
        match error {
            MigrateError::VersionMissing(found) if *found > known => {
                Self::Newer { found: *found, known }
            }
            MigrateError::VersionMissing(found) | MigrateError::VersionMismatch(found) => {
                Self::Foreign(*found)
            }
            MigrateError::Execute(error) => Self::connecting(error),
            MigrateError::ExecuteMigration(error, _) => Self::Other(said(error)),
            other => Self::Other(other.to_string()),
        }
    }
}

/// What the database said, without the library's introduction.
fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}
