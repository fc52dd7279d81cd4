//! Jobs that another engine runs: the table of jobs is the outbox from which it takes them.
//!
//! Invariant: a job that was lent is claimed by no worker of this engine, and an attempt that the other engine makes changes nothing
//! of a job that is lent to other work, has ended, or is with a newer attempt.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::runs::{self, Claimed, Lease, secs};
use super::{Database, read, turns};
use crate::error::Error;
use crate::ids::{self, JobId};
use crate::job::{Job, State};

/// What the lease of a lent job begins with.
const LENT: &str = "temporal:";
/// What follows where an attempt is being made.
const ATTEMPT: char = '#';

/// A job that is lent, or lent again since nothing was heard of it.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) lease: Lease,
    pub(crate) job: Job,
    /// Whether it was lent to the same work before.
    pub(crate) again: bool,
}

/// What an attempt finds.
#[derive(Debug)]
pub(crate) enum Taken {
    /// The job is the attempt's.
    Ours(Box<Claimed>),
    /// It has ended like this.
    Ended(State),
    /// It is lent to other work, to none, or is gone.
    Others,
}

/// A lent job whose abort was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aborting {
    pub(crate) number: i64,
    pub(crate) work: String,
}

struct Take<'a> {
    id: &'a JobId,
    work: &'a str,
    worker: String,
    times: (UnixTime, UnixTime),
    etag: String,
}

/// The name of the work that a job is, the time that it was queued last.
pub(crate) fn work(job: &Job) -> String {
    match job.run {
        ..=1 => job.id.as_str().to_owned(),
        run => format!("{}-{run}", job.id.as_str()),
    }
}

/// Whether no worker has the job that has this lease.
pub(super) fn is_idle(lease: &str) -> bool {
    lease.is_empty() || (lease.starts_with(LENT) && !lease.contains(ATTEMPT))
}

impl Database {
    /// Lends the job whose turn it is, until then, so many of one user at once; or one of which nothing was heard for as long as it was
    /// lent.
    pub(crate) async fn lend(
        &self,
        (now, until): (UnixTime, UnixTime),
        most_of_one: u32,
    ) -> Result<Option<Lent>, Error> {
        if due(&mut *self.store.read().await?, now, most_of_one).await?.is_none() {
            return Ok(None);
        }
        self.store
            .change(&(now, until, most_of_one), |change, with| Box::pin(lend(change, with)))
            .await
    }

    /// Takes a lent job for an attempt; an earlier attempt loses it.
    pub(crate) async fn take(
        &self,
        id: &JobId,
        work: &str,
        times: (UnixTime, UnixTime),
    ) -> Result<Taken, Error> {
        let worker = format!("{LENT}{work}{ATTEMPT}{}", ids::etag(ids::random()?));
        let with = Take { id, work, worker, times, etag: ids::etag(ids::random()?) };
        self.store.change(&with, |change, with| Box::pin(take(change, with))).await
    }

    /// The lent jobs whose abort was asked for.
    pub(crate) async fn aborting(&self) -> Result<Vec<Aborting>, Error> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            read::columns!(),
            " FROM jobs WHERE abort_requested = 1 AND lease LIKE 'temporal:%' ORDER BY number LIMIT 100",
        ));
        let rows = rows.fetch_all(&mut *self.store.read().await?).await?;
        let aborting = rows.iter().map(|row| {
            Ok(Aborting { number: row.try_get("number")?, work: work(&read::job(row)?) })
        });
        aborting.collect()
    }

    /// Notes that the work knows of a job's end.
    pub(crate) async fn forget(&self, number: i64) -> Result<(), Error> {
        let forget = sqlx::query(
            "UPDATE jobs SET lease = '' WHERE number = $1 AND lease LIKE 'temporal:%' \
             AND state IN ('succeeded', 'failed', 'aborted')",
        );
        forget.bind(number).execute(&mut *self.store.write().await?).await?;
        Ok(())
    }
}

/// Lent jobs of which nothing was heard for as long as they were lent.
const SILENT: &str = concat!(
    "SELECT ",
    read::columns!(),
    " FROM jobs WHERE state IN ('queued', 'running') AND lease_until <= $1 AND lease LIKE 'temporal:%' \
     ORDER BY lease_until, number LIMIT 1",
);

/// The job to lend: one that was lent already, else that whose turn it is.
async fn due(
    connection: &mut Connection,
    now: UnixTime,
    most_of_one: u32,
) -> Result<Option<Row>, sqlx::Error> {
    let silent = sqlx::query(SILENT).bind(secs(now)).fetch_optional(&mut *connection).await?;
    match silent {
        Some(silent) => Ok(Some(silent)),
        None => turns::next(connection, now, most_of_one.into()).await,
    }
}

async fn lend(
    change: &mut Connection,
    (now, until, most_of_one): &(UnixTime, UnixTime, u32),
) -> Result<Option<Lent>, Error> {
    let row = due(change, *now, *most_of_one).await?;
    let Some(row) = row else { return Ok(None) };
    turns::taken(change, row.try_get("owner")?).await?;
    let (number, job): (i64, Job) = (row.try_get("number")?, read::job(&row)?);
    let again = row.try_get::<&str, _>("lease")?.starts_with(LENT);
    let home = format!("{LENT}{}", work(&job));
    let update = sqlx::query("UPDATE jobs SET lease = $1, lease_until = $2 WHERE number = $3");
    update.bind(&home).bind(secs(*until)).bind(number).execute(&mut *change).await?;
    Ok(Some(Lent { lease: Lease { number, worker: home.clone(), home }, job, again }))
}

async fn take(change: &mut Connection, with: &Take<'_>) -> Result<Taken, Error> {
    let Some((number, lease, _, job)) = runs::one(change, with.id).await? else {
        return Ok(Taken::Others);
    };
    if work(&job) != with.work {
        return Ok(Taken::Others);
    }
    if job.state.is_end() {
        return Ok(Taken::Ended(job.state));
    }
    let home = format!("{LENT}{}", with.work);
    let was_lost = match lease.strip_prefix(&home) {
        Some("") => false,
        Some(attempt) if attempt.starts_with(ATTEMPT) => true,
        _ => return Ok(Taken::Others),
    };
    let (now, until) = with.times;
    let job = Job { state: State::Running, etag: with.etag.clone(), updated: now, ..job };
    runs::write(change, number, &job, (&with.worker, until)).await?;
    let lease = Lease { number, worker: with.worker.clone(), home };
    Ok(Taken::Ours(Box::new(Claimed { lease, job, was_lost })))
}
