//! Whose job is next: users take turns, whatever number of jobs each has queued.
//!
//! Invariant: the next job is one of the user with the fewest jobs under way; among several such users, of the one whose last job was
//! begun the longest ago. A user's own jobs come in their order. All processes on one database share the turns.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::Database;
use super::read;
use super::runs::secs;
use crate::error::Error;

/// Jobs that nobody has and that are due.
const READY: &str =
    "state IN ('queued', 'running') AND lease_until <= $1 AND lease NOT LIKE 'temporal:%'";

/// Jobs under way, in this engine or lent to another.
const BUSY: &str = "state IN ('queued', 'running') AND lease <> '' AND (lease_until > $1 OR lease LIKE 'temporal:%')";

/// The job that is next, if there is one of a user with fewer than so many under way.
pub(super) async fn next(
    connection: &mut Connection,
    now: UnixTime,
    most_of_one: i64,
) -> Result<Option<Row>, sqlx::Error> {
    let owner = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT ready.owner AS owner FROM (SELECT owner, MIN(number) AS oldest FROM jobs WHERE {READY} GROUP BY owner) AS ready \
         LEFT JOIN (SELECT owner, COUNT(*) AS jobs FROM jobs WHERE {BUSY} GROUP BY owner) AS busy ON busy.owner = ready.owner \
         LEFT JOIN turns ON turns.owner = ready.owner WHERE COALESCE(busy.jobs, 0) < $2 \
         ORDER BY COALESCE(busy.jobs, 0), COALESCE(turns.turn, 0), ready.oldest LIMIT 1"
    )));
    let owner = owner.bind(secs(now)).bind(most_of_one).fetch_optional(&mut *connection).await?;
    let Some(owner) = owner else { return Ok(None) };
    let job = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {} FROM jobs WHERE owner = $2 AND {READY} ORDER BY lease_until, number LIMIT 1",
        read::columns!()
    )));
    let job = job.bind(secs(now)).bind(owner.try_get::<&str, _>("owner")?);
    job.fetch_optional(connection).await
}

impl Database {
    /// How many jobs have waited since `since` while no process has any; 0 where one has.
    pub(crate) async fn untaken(&self, now: UnixTime, since: UnixTime) -> Result<u64, Error> {
        let count = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS jobs FROM jobs \
             WHERE state IN ('queued', 'running') AND lease_until <= $2 AND updated <= $2 AND NOT EXISTS \
             (SELECT 1 FROM jobs WHERE state IN ('queued', 'running') AND lease <> '' AND lease_until > $1)",
        );
        let count = count
            .bind(secs(now))
            .bind(secs(since))
            .fetch_one(&mut *self.store.read().await?)
            .await?;
        Ok(count.try_get::<i64, _>("jobs")?.cast_unsigned())
    }
}

/// Notes that it was this user's turn.
pub(super) async fn taken(change: &mut Connection, owner: &str) -> Result<(), sqlx::Error> {
    let turn = sqlx::query(
        "INSERT INTO turns (owner, turn) VALUES ($1, (SELECT COALESCE(MAX(turn), 0) + 1 FROM turns)) \
         ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn",
    );
    turn.bind(owner).execute(change).await.map(drop)
}

/// Refuses another job of a user who has so many that have not ended.
pub(super) async fn check_room(
    change: &mut Connection,
    owner: &str,
    most: u32,
) -> Result<(), Error> {
    let count = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) AS jobs FROM jobs WHERE owner = $1 AND state IN ('queued', 'running')",
    );
    let jobs: i64 = count.bind(owner).fetch_one(change).await?.try_get("jobs")?;
    if jobs >= i64::from(most) { Err(Error::TooManyJobs { most }) } else { Ok(()) }
}
