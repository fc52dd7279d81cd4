//! The metadata, in a SQLite file or in PostgreSQL.
//!
//! Invariant: what a method returned as written is durable, and each method sees one state of the database, whatever is written
//! meanwhile.

mod complete;
mod counts;
mod differences;
mod finished;
mod items;
mod listing;
mod manifests;
mod objects;
mod permissions;
mod quota;
mod read;
mod received;
mod roles;
mod snapshots;
mod uploads;
mod write;

use hallpass_policy::current_user;
use hallpass_store::{Failure, Location, Migration, OpenError, Store};
use hallpass_token::Fingerprint;

pub(crate) use complete::{Base, Complete};
#[cfg(test)]
pub(crate) use finished::NewDataset;
pub(crate) use finished::{Finish, Finished, ItemRow, Origin, same_wish};
pub(crate) use items::{Assignment, Unsplit};
pub(crate) use listing::{Filter, Order, Position, Query};
pub(crate) use permissions::{Alteration, Altered, Change, Permissions};
pub(crate) use read::{FileRow, Listed, Several};
pub(crate) use received::{BLOCK, Batch, Limits, Part, ReceivedFile, Step};
pub(crate) use roles::Object;
pub(crate) use snapshots::NewSnapshot;
pub(crate) use uploads::{NewUpload, Opened, UploadRow};

use crate::error::Error;

const MIGRATIONS: [Migration; 6] = hallpass_store::migrations![
    1 => "0001_datasets",
    2 => "0002_items",
    3 => "0003_uploads",
    4 => "0004_snapshots",
    5 => "0005_formats",
    6 => "0006_lists",
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

/// The databases' integers are signed; counts stay far below the end.
const fn to_stored(count: u64) -> i64 {
    count.cast_signed()
}

const fn from_stored(count: i64) -> u64 {
    count.cast_unsigned()
}
