//! Who runs which job.
//!
//! Invariant: one worker has a job at a time, for as long as its lease lasts; who has lost it changes nothing of it. A job whose
//! abort was acknowledged never ends otherwise.

use hallpass_jobs::Place;
use hallpass_store::Connection;
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::Database;
use super::lent;
use super::read;
use super::turns;
use crate::error::Error;
use crate::ids::{self, JobId};
use crate::job::{Job, State};

/// A job that a worker has.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(crate) number: i64,
    pub(crate) worker: String,
    /// Whose the job is once the worker gives it back; empty for anybody's.
    pub(crate) home: String,
}

/// A job that a worker has just got.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) lease: Lease,
    pub(crate) job: Job,
    /// Whether a worker had it before and let its lease end.
    pub(crate) was_lost: bool,
}

/// A job as its worker leaves it.
#[derive(Debug)]
pub(crate) struct Save<'a> {
    pub(crate) lease: &'a Lease,
    /// `false` gives it back.
    pub(crate) keeps: bool,
    /// The end of the lease, or when somebody else may go on with it.
    pub(crate) until: UnixTime,
    pub(crate) job: &'a Job,
}

struct Change<'a> {
    id: &'a JobId,
    now: UnixTime,
    etag: String,
    dataset_etag: &'a str,
    /// The most jobs of one user that have not ended.
    most: u32,
}

impl Database {
    /// The job whose turn it is and that nobody has, if there is one.
    pub(crate) async fn claim(
        &self,
        worker: &str,
        now: UnixTime,
        until: UnixTime,
    ) -> Result<Option<Claimed>, Error> {
        // Nothing is written where there is nothing to do.
        if turns::next(&mut *self.store.read().await?, now, i64::MAX).await?.is_none() {
            return Ok(None);
        }
        let with = (worker, now, until, ids::etag(ids::random()?));
        self.store.change(&with, |change, with| Box::pin(claim(change, with))).await
    }

    /// Keeps a job as its worker says, and tells how it is kept; `None` if the worker has it no longer.
    pub(crate) async fn save(&self, save: &Save<'_>) -> Result<Option<Job>, Error> {
        let etag = ids::etag(ids::random()?);
        self.store
            .change(&(save, etag), |change, (save, etag)| Box::pin(keep(change, save, etag)))
            .await
    }

    /// Goes on with a job; `None` if the worker has it no longer, else whether it is to be aborted.
    pub(crate) async fn renew(
        &self,
        lease: &Lease,
        until: UnixTime,
    ) -> Result<Option<bool>, Error> {
        let row = sqlx::query(
            "UPDATE jobs SET lease_until = $1 WHERE number = $2 AND lease = $3 RETURNING abort_requested",
        );
        let row = row.bind(secs(until)).bind(lease.number).bind(&lease.worker);
        let row = row.fetch_optional(&mut *self.store.write().await?).await?;
        row.map(|row| Ok(row.try_get::<i64, _>("abort_requested")? != 0)).transpose()
    }

    /// Asks for a job's end. One that no worker has ends at once; `None` if there is no such job.
    pub(crate) async fn abort(&self, id: &JobId, now: UnixTime) -> Result<Option<Job>, Error> {
        let with =
            Change { id, now, etag: ids::etag(ids::random()?), dataset_etag: "", most: u32::MAX };
        self.store.change(&with, |change, with| Box::pin(abort(change, with))).await
    }

    /// Queues a job again that has failed or was aborted; `None` if there is no such job.
    pub(crate) async fn retry(
        &self,
        id: &JobId,
        dataset_etag: &str,
        now: UnixTime,
        most: u32,
    ) -> Result<Option<Job>, Error> {
        let with = Change { id, now, etag: ids::etag(ids::random()?), dataset_etag, most };
        self.store.change(&with, |change, with| Box::pin(retry(change, with))).await
    }
}

async fn claim(
    change: &mut Connection,
    (worker, now, until, etag): &(&str, UnixTime, UnixTime, String),
) -> Result<Option<Claimed>, Error> {
    let row = turns::next(change, *now, i64::MAX).await?;
    let Some(row) = row else { return Ok(None) };
    turns::taken(change, row.try_get("owner")?).await?;
    let number: i64 = row.try_get("number")?;
    let was_lost = !row.try_get::<&str, _>("lease")?.is_empty();
    let update = sqlx::query(
        "UPDATE jobs SET state = 'running', lease = $1, lease_until = $2, etag = $3, updated = $4 WHERE number = $5",
    );
    let update = update.bind(*worker).bind(secs(*until)).bind(etag).bind(secs(*now)).bind(number);
    update.execute(&mut *change).await?;
    let job = Job { state: State::Running, etag: etag.clone(), updated: *now, ..read::job(&row)? };
    let lease = Lease { number, worker: (*worker).to_owned(), home: String::new() };
    Ok(Some(Claimed { lease, job, was_lost }))
}

async fn keep(change: &mut Connection, save: &Save<'_>, etag: &str) -> Result<Option<Job>, Error> {
    let row = sqlx::query("SELECT abort_requested FROM jobs WHERE number = $1 AND lease = $2");
    let row =
        row.bind(save.lease.number).bind(&save.lease.worker).fetch_optional(&mut *change).await?;
    let Some(row) = row else { return Ok(None) };
    let mut job = Job { etag: etag.to_owned(), ..save.job.clone() };
    job.abort_requested = row.try_get::<i64, _>("abort_requested")? != 0;
    let ends = job.state.is_end();
    if job.abort_requested && (ends || !save.keeps) {
        (job.state, job.result, job.failure) = (State::Aborted, None, None);
        job.ended = Some(job.updated);
    }
    let worker = match (job.state.is_end(), save.keeps) {
        (true, _) => "",
        (false, true) => save.lease.worker.as_str(),
        (false, false) => save.lease.home.as_str(),
    };
    write(change, save.lease.number, &job, (worker, save.until)).await?;
    Ok(Some(job))
}

async fn abort(change: &mut Connection, with: &Change<'_>) -> Result<Option<Job>, Error> {
    let Some((number, lease, until, mut job)) = one(change, with.id).await? else {
        return Ok(None);
    };
    match job.state {
        State::Aborted => return Ok(Some(job)),
        State::Succeeded | State::Failed => return Err(Error::JobEnded(job.state.as_str())),
        State::Queued | State::Running => {}
    }
    (job.abort_requested, job.updated) = (true, with.now);
    job.etag.clone_from(&with.etag);
    if lent::is_idle(&lease) {
        (job.state, job.ended, job.failure) = (State::Aborted, Some(with.now), None);
    }
    write(change, number, &job, (&lease, until)).await?;
    Ok(Some(job))
}

async fn retry(change: &mut Connection, with: &Change<'_>) -> Result<Option<Job>, Error> {
    let Some((number, _, _, job)) = one(change, with.id).await? else { return Ok(None) };
    if !matches!(job.state, State::Failed | State::Aborted) {
        return Err(Error::JobNotFailed(job.state.as_str()));
    }
    turns::check_room(change, &job.owner, with.most).await?;
    let job = Job {
        dataset_etag: with.dataset_etag.to_owned(),
        state: State::Queued,
        place: None,
        progress: 0,
        message: String::new(),
        abort_requested: false,
        result: None,
        failure: None,
        etag: with.etag.clone(),
        updated: with.now,
        ended: None,
        run: job.run.saturating_add(1),
        ..job
    };
    write(change, number, &job, ("", UnixTime::from_secs(0))).await?;
    Ok(Some(job))
}

pub(super) async fn one(
    change: &mut Connection,
    id: &JobId,
) -> Result<Option<(i64, String, UnixTime, Job)>, Error> {
    let row = sqlx::query(concat!("SELECT ", read::columns!(), " FROM jobs WHERE job_id = $1"))
        .bind(id.as_str());
    let Some(row) = row.fetch_optional(change).await? else { return Ok(None) };
    let until = UnixTime::from_secs(row.try_get::<i64, _>("lease_until")?.cast_unsigned());
    Ok(Some((row.try_get("number")?, row.try_get("lease")?, until, read::job(&row)?)))
}

/// Writes all that can change of a job.
pub(super) async fn write(
    change: &mut Connection,
    number: i64,
    job: &Job,
    (worker, until): (&str, UnixTime),
) -> Result<(), Error> {
    let (activity, attempt) = job
        .place
        .map_or(("", 0), |Place { activity, attempt }| (activity.as_str(), i64::from(attempt)));
    let result = job.result.as_ref().map(serde_json::to_string).transpose();
    let failure = job.failure.as_ref().map(serde_json::to_string).transpose();
    let json = |text: Result<Option<String>, serde_json::Error>| {
        text.map(Option::unwrap_or_default).map_err(|error| sqlx::Error::Encode(error.into()))
    };
    sqlx::query(
        "UPDATE jobs SET dataset_etag = $1, state = $2, activity = $3, attempt = $4, progress = $5, message = $6, \
         abort_requested = $7, result = $8, failure = $9, etag = $10, updated = $11, ended = $12, lease = $13, \
         lease_until = $14, run = $15, result_bytes = $16 WHERE number = $17",
    )
    .bind(&job.dataset_etag)
    .bind(job.state.as_str())
    .bind(activity)
    .bind(attempt)
    .bind(job.progress)
    .bind(&job.message)
    .bind(i64::from(job.abort_requested))
    .bind(json(result)?)
    .bind(json(failure)?)
    .bind(&job.etag)
    .bind(secs(job.updated))
    .bind(job.ended.map_or(0, secs))
    .bind(worker)
    .bind(secs(until))
    .bind(job.run)
    .bind(job.result.as_ref().map_or(0, |result| result.size_bytes.cast_signed()))
    .bind(number)
    .execute(change)
    .await?;
    Ok(())
}

pub(super) fn secs(instant: UnixTime) -> i64 {
    instant.as_secs().cast_signed()
}
