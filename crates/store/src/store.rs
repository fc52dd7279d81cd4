//! The store: changes that are whole, reads that see one state; and connections that users take in turn.
//!
//! Invariant: over SQLite no read waits for a write, and over either database no user waits for all that another one has asked for.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use sqlx::any::{Any, AnyConnectOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor, Row as _};

use crate::Location;
use crate::again::{Failure, Tries};
use crate::connections::{Connection, Held, Purpose, Reading, SQLITE_MANNERS, Shared, pool};
use crate::migrations::{Migrations, migrator};
use crate::open_error::{OpenError, Problem};
use crate::turns::User;

/// A row that was read.
pub type Row = sqlx::any::AnyRow;
/// A statement with its values.
pub type Query<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;
/// The work of a change.
pub type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// How long it may take to say that it answers.
const ANSWER: Duration = Duration::from_secs(5);

/// How long a server may take to let the first connection in.
const OPENING: Duration = Duration::from_secs(30);

/// An open database. Clones share everything.
#[derive(Clone)]
pub struct Store {
    readers: Shared,
    writers: Shared,
    location: Location,
    user: fn() -> User,
}

impl Store {
    /// Opens the database, or makes the file, and brings its tables up to date.
    pub async fn open(location: &Location, steps: &Migrations) -> Result<Self, OpenError> {
        let failed = |problem| OpenError { location: location.clone(), problem };
        sqlx::any::install_default_drivers();
        let options = location.options().map_err(|error| failed(error.into()))?;
        prepare(location, &options, steps).await.map_err(failed)?;
        let readers = Shared::new(location, options.clone(), Purpose::Reading);
        let writers = match location {
            Location::Sqlite(_) => Shared::new(location, options, Purpose::Writing),
            Location::Postgres(_) => readers.clone(),
        };
        Ok(Self { readers, writers, location: location.clone(), user: || None })
    }

    /// The same store, whose connections are shared fairly by the users that this tells apart: it says whom the current task works for.
    #[must_use]
    pub fn shared_by(self, user: fn() -> Option<u128>) -> Self {
        Self { user, ..self }
    }

    /// Where it is.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// For a statement that reads.
    pub async fn read(&self) -> Result<Held, sqlx::Error> {
        self.readers.connection((self.user)()).await
    }

    /// For a statement that writes, and is a change of its own.
    pub async fn write(&self) -> Result<Held, sqlx::Error> {
        self.writers.connection((self.user)()).await
    }

    /// One state for several reads.
    pub async fn reading(&self) -> Result<Reading, sqlx::Error> {
        let begin = match self.location {
            Location::Sqlite(_) => "BEGIN",
            Location::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.readers.transaction((self.user)(), begin).await
    }

    /// Makes a change of what is `with` it: all of it if the work is `Ok`, nothing otherwise. It is as if changes came one after the
    /// other; those that were in each other's way are made again, so the work may be called several times.
    pub async fn change<W: ?Sized + Sync, T, E: Failure>(
        &self,
        with: &W,
        work: for<'c> fn(&'c mut Connection, &'c W) -> Work<'c, T, E>,
    ) -> Result<T, E> {
        let mut tries = Tries::default();
        loop {
            let error = match self.try_change(with, work).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            if !tries.again(&error).await {
                return Err(error);
            }
        }
    }

    /// The store's own key of this name, kept in the table `own_keys`: the one proposed when it was first asked for.
    pub async fn own_key(&self, name: &str, proposed: &[u8]) -> Result<Vec<u8>, sqlx::Error> {
        let mut connection = self.write().await?;
        sqlx::query("INSERT INTO own_keys (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(proposed)
            .execute(&mut *connection)
            .await?;
        let row = sqlx::query("SELECT key FROM own_keys WHERE name = $1").bind(name);
        row.fetch_one(&mut *connection).await?.try_get("key")
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        let asked = async { sqlx::query("SELECT 1").execute(&mut *self.read().await?).await };
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(answered) => answered.map(|_| ()),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// Ends all connections; SQLite merges its write-ahead log.
    pub async fn close(&self) {
        self.readers.pool.close().await;
        self.writers.pool.close().await;
    }

    async fn try_change<W: ?Sized + Sync, T, E: Failure>(
        &self,
        with: &W,
        work: for<'c> fn(&'c mut Connection, &'c W) -> Work<'c, T, E>,
    ) -> Result<T, E> {
        let begin = match self.location {
            Location::Sqlite(_) => "BEGIN IMMEDIATE",
            Location::Postgres(_) => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        let mut change = self.writers.transaction((self.user)(), begin).await?;
        let done = work(&mut change, with).await?;
        change.commit().await?;
        Ok(done)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("location", &self.location).finish_non_exhaustive()
    }
}

/// Brings the tables up to date, over connections of its own: a first one says as it is what goes wrong on the way there, and the
/// migrations' lock ends with the second.
async fn prepare(
    location: &Location,
    options: &AnyConnectOptions,
    steps: &Migrations,
) -> Result<(), Problem> {
    let _turn = match location {
        Location::Sqlite(file) => Some(turn(file).await?),
        Location::Postgres(_) => None,
    };
    let opening = location.connect_within().unwrap_or(OPENING);
    let opened = tokio::time::timeout(opening, options.connect()).await;
    let opened = opened.map_err(|_| Problem::late())?;
    let mut connection = opened.map_err(|error| Problem::connecting(&error))?;
    let ready = make_ready(&mut connection, location).await;
    ready.map_err(|error| Problem::connecting(&error))?;
    let closed = sqlx::Connection::close(connection).await;
    closed.map_err(|error| Problem::connecting(&error))?;
    let tables = match location {
        Location::Sqlite(_) => migrator(steps, |step| step.sqlite),
        Location::Postgres(_) => migrator(steps, |step| step.postgres),
    };
    let alone = pool(location, options.clone(), (1, OPENING), Purpose::Writing);
    let migrated = tables.run(&alone).await;
    alone.close().await;
    migrated.map_err(|error| Problem::migrating(&error, steps))
}

/// SQLite has no lock for migrations, so processes that open a file together take turns at a file beside it.
async fn turn(file: &Path) -> Result<File, Problem> {
    let beside = file.with_added_extension("lock");
    let failed =
        |error: &dyn fmt::Display| Problem::Other(format!("{}: {error}", beside.display()));
    let turn = OpenOptions::new().create(true).truncate(false).write(true).open(&beside);
    let turn = turn.map_err(|error| failed(&error))?;
    let waiting = async {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        loop {
            every.tick().await;
            match turn.try_lock() {
                Err(TryLockError::WouldBlock) => {}
                locked => return locked.map_err(|error| failed(&error)),
            }
        }
    };
    let waited = tokio::time::timeout(OPENING, waiting).await;
    waited.map_err(|_| failed(&"another process is opening the database, for too long"))??;
    Ok(turn)
}

async fn make_ready(connection: &mut Connection, location: &Location) -> Result<(), sqlx::Error> {
    match location {
        Location::Sqlite(_) => connection.execute(SQLITE_MANNERS).await.map(drop),
        Location::Postgres(server) => match server.schema {
            Some(schema) => make_schema(connection, schema).await,
            None => Ok(()),
        },
    }
}

/// A user who may not make schemas can use one that is there.
async fn make_schema(connection: &mut Connection, schema: &'static str) -> Result<(), sqlx::Error> {
    if has_schema(connection, schema).await? {
        return Ok(());
    }
    let sql = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS {schema}"));
    match connection.execute(sqlx::raw_sql(sql)).await {
        // Another process may have made it at the same time.
        Err(_) if has_schema(connection, schema).await? => Ok(()),
        made => made.map(|_| ()),
    }
}

async fn has_schema(connection: &mut Connection, schema: &str) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
    Ok(row.fetch_optional(connection).await?.is_some())
}
