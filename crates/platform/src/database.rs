//! The jobs, in a SQLite file or in PostgreSQL.
//!
//! Invariant: what a method returned as written is durable, and each method sees one state of the database, whatever is written
//! meanwhile.

mod lent;
mod lines;
mod read;
mod retention;
mod runs;
mod turns;
mod write;

use hallpass_policy::current_user;
use hallpass_store::{Failure, Location, Migration, OpenError, Store};
use hallpass_token::Fingerprint;

pub(crate) use lent::{Aborting, Lent, Taken, work};
pub(crate) use lines::Printed;
pub(crate) use retention::Kept;
pub(crate) use runs::{Claimed, Lease, Save};
pub(crate) use write::{Inserted, NewJob};

use crate::error::Error;

const MIGRATIONS: [Migration; 4] = hallpass_store::migrations![
    1 => "0001_jobs",
    2 => "0002_runs",
    3 => "0003_engines",
    4 => "0004_turns",
];

/// The database and what is asked of it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    store: Store,
}

impl Database {
    /// Opens or makes the database and brings its tables up to date.
    pub(crate) async fn open(location: &Location) -> Result<Self, OpenError> {
        let store = Store::open(location, &MIGRATIONS).await?;
        Ok(Self { store: store.shared_by(|| current_user().map(Fingerprint::as_u128)) })
    }

    /// For tests that change what is in it as another program would.
    #[cfg(test)]
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The store's own key of this name: the one proposed when it was first asked for.
    pub(crate) async fn own_key(
        &self,
        name: &str,
        proposed: &[u8],
    ) -> Result<Vec<u8>, sqlx::Error> {
        self.store.own_key(name, proposed).await
    }

    /// Whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        self.store.ping().await
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}

impl Failure for Error {
    fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
