//! Which process owns a database that others can reach: a lock on the PostgreSQL server, held by a connection that is used for nothing else.
//!
//! Invariant: the owner is known to own it only from before it asked, as long as the server said so. A process that is killed gives it
//! back, because its connection ends; one whose connection is lost counts as no owner until it has the lock again.

use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, Row as _};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::connections::greet;
use crate::open_error::{OpenError, Problem};
use crate::{Connection, Location};

/// How long the server may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How often a lock that another connection holds is asked for again.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Locks for as long as the connection lives. One that holds it already is told so, too. Each schema has a lock of its own.
const LOCK: &str = "SELECT CASE WHEN pg_try_advisory_lock(hashtextextended('hallpass owner of ' || current_schema(), 0)) \
                    THEN 1::bigint ELSE 0::bigint END AS held";
/// A machine that is gone gives the lock back after about twenty seconds, not after hours.
const MANNERS: &str = "SET application_name = 'hallpass owner'; SET tcp_keepalives_idle = 5; \
                       SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

/// The ownership of a database.
pub struct Owner {
    options: AnyConnectOptions,
    greeting: Option<String>,
    connection: Option<Connection>,
}

/// Why a process does not own a database.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// Another process does.
    #[error("another process owns {0}")]
    Another(Location),
    /// The server cannot be asked.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Owner {
    /// Takes the ownership of a database whose tables are there. Waits for a former owner's connection to end. `None` for a database that
    /// knows no such lock: SQLite, which is a file of one machine.
    pub async fn take(location: &Location, wait: Duration) -> Result<Option<Self>, OwnerError> {
        if !location.is_shared() {
            return Ok(None);
        }
        let failed = |problem| OpenError { location: location.clone(), problem };
        let options = location.options().map_err(|error| failed(error.into()))?;
        let mut owner = Self { options, greeting: location.greeting(), connection: None };
        let asked = Instant::now();
        let mut every = interval(ASK_EVERY);
        loop {
            every.tick().await;
            match owner.ask().await {
                Ok(true) => return Ok(Some(owner)),
                Ok(false) if asked.elapsed() < wait => {}
                Ok(false) => return Err(OwnerError::Another(location.clone())),
                Err(error) => return Err(failed(Problem::connecting(&error)).into()),
            }
        }
    }

    /// Holds it for as long as this is polled: asks every so often, and takes it again where the connection was lost. Before each question
    /// `now` is read, and `proven` is told what it was if the answer was yes.
    pub async fn hold<T>(
        mut self,
        every: Duration,
        now: impl Fn() -> T,
        proven: impl Fn(T),
    ) -> std::convert::Infallible {
        let mut every = interval(every);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = true;
        loop {
            every.tick().await;
            let asked = now();
            let answer = self.ask().await;
            let holds = matches!(answer, Ok(true));
            if holds && !held {
                tracing::info!("this process owns the database again");
            }
            match answer {
                Ok(false) if held => {
                    tracing::error!("another process has become the database's owner");
                }
                Err(error) if held => {
                    tracing::error!(%error, "the ownership of the database cannot be proven");
                }
                Ok(_) | Err(_) => {}
            }
            held = holds;
            if holds {
                proven(asked);
            }
        }
    }

    /// Whether it holds the lock, or has got it now. After an error the connection is made anew.
    async fn ask(&mut self) -> Result<bool, sqlx::Error> {
        let answer = match timeout(ANSWER, self.lock()).await {
            Ok(answer) => answer,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        };
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn lock(&mut self) -> Result<bool, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let mut connection = self.options.connect().await?;
                connection.execute(sqlx::raw_sql(MANNERS)).await?;
                if let Some(greeting) = self.greeting.clone() {
                    greet(&mut connection, greeting).await?;
                }
                none.insert(connection)
            }
        };
        let row = sqlx::query(LOCK).persistent(false).fetch_one(connection).await?;
        Ok(row.try_get::<i64, _>("held")? == 1)
    }
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner")
            .field("connected", &self.connection.is_some())
            .finish_non_exhaustive()
    }
}
