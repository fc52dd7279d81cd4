//! The connections of a store, and how users take turns at them.
//!
//! Invariant: whoever has a connection, or waits for one, has a turn; so nobody waits in the pool's own queue, which knows no users.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AnyPool, AssertSqlSafe, Executor, Transaction};

use crate::Location;
use crate::turns::{Turn, Turns, User};

/// One connection, inside a transaction or not.
pub type Connection = sqlx::AnyConnection;

/// How long a statement waits for its turn, and then for a connection, before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Readers do not wait for the one writer.
const SQLITE_READERS: u32 = 4;
/// Of several, all but one would wait for a lock, each with a connection that nobody else can use.
const SQLITE_WRITERS: u32 = 1;

const POSTGRES_CONNECTIONS: u32 = 10;

/// What is acknowledged is on the disk, and readers do not wait for writers.
pub(crate) const SQLITE_MANNERS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                                         PRAGMA foreign_keys = ON";

/// A write that comes to a reader's connection fails; otherwise it would wait for a lock, and others behind it.
const SQLITE_READERS_MANNERS: &str = "; PRAGMA query_only = ON";

/// What connections are for. PostgreSQL's are for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Reading,
    Writing,
}

/// Connections that users share. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) pool: AnyPool,
    turns: Arc<Turns>,
}

/// A connection, for as long as this is held.
#[derive(Debug)]
pub struct Held {
    connection: PoolConnection<Any>,
    _turn: Turn,
}

/// A transaction: for whoever reads, one state of the database.
#[derive(Debug)]
pub struct Reading {
    transaction: Transaction<'static, Any>,
    _turn: Turn,
}

impl Shared {
    pub(crate) fn new(location: &Location, options: AnyConnectOptions, purpose: Purpose) -> Self {
        let most = match (location, purpose) {
            (Location::Sqlite(_), Purpose::Reading) => SQLITE_READERS,
            (Location::Sqlite(_), Purpose::Writing) => SQLITE_WRITERS,
            (Location::Postgres(_), _) => POSTGRES_CONNECTIONS,
        };
        Self { pool: pool(location, options, (most, PATIENCE), purpose), turns: Turns::new(most) }
    }

    pub(crate) async fn connection(&self, user: User) -> Result<Held, sqlx::Error> {
        let turn = self.turn(user).await?;
        Ok(Held { connection: self.pool.acquire().await?, _turn: turn })
    }

    pub(crate) async fn transaction(
        &self,
        user: User,
        begin: &'static str,
    ) -> Result<Reading, sqlx::Error> {
        let turn = self.turn(user).await?;
        Ok(Reading { transaction: self.pool.begin_with(begin).await?, _turn: turn })
    }

    async fn turn(&self, user: User) -> Result<Turn, sqlx::Error> {
        self.turns.take(user, PATIENCE).await.ok_or(sqlx::Error::PoolTimedOut)
    }
}

impl Reading {
    /// Keeps what was written in it.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

impl Deref for Held {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Deref for Reading {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.transaction
    }
}

impl DerefMut for Reading {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.transaction
    }
}

/// So many connections at most, for which statements wait so long. They are made when they are needed.
pub(crate) fn pool(
    location: &Location,
    options: AnyConnectOptions,
    (most, patience): (u32, Duration),
    purpose: Purpose,
) -> AnyPool {
    let mut greeting = location.greeting();
    if let (Some(greeting), Location::Sqlite(_), Purpose::Reading) =
        (&mut greeting, location, purpose)
    {
        greeting.push_str(SQLITE_READERS_MANNERS);
    }
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(patience)
        // Whoever waits longer fails and says so; a line for each that is slow would be as many as anybody likes.
        .acquire_slow_threshold(patience)
        .after_connect(move |connection, _| {
            let greeting = greeting.clone();
            Box::pin(async move {
                match greeting {
                    Some(greeting) => greet(connection, greeting).await,
                    None => Ok(()),
                }
            })
        })
        .connect_lazy_with(options)
}

/// Says what a connection begins with.
pub(crate) async fn greet(
    connection: &mut Connection,
    greeting: String,
) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(greeting))).await.map(drop)
}
