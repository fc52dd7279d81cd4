//! Changes things. Every change is one transaction, as if changes came one after the other.

use hallpass_store::Connection;
use sqlx::Row as _;

use super::Database;
use super::read::requested;
use super::turns;
use crate::error::Error;
use crate::ids::RequestId;
use crate::job::Job;

/// Everything that a new job consists of.
#[derive(Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) job: &'a Job,
    pub(crate) request: Option<(&'a RequestId, [u8; 32])>,
    /// The most jobs of one user that have not ended.
    pub(crate) most: u32,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// It is stored.
    New,
    /// The same request had made this one before.
    Already(Box<Job>),
}

impl Database {
    /// Stores a job, unless its request has made one before.
    pub(crate) async fn insert(&self, new: &NewJob<'_>) -> Result<Inserted, Error> {
        self.store.change(new, |change, new| Box::pin(insert(change, new))).await
    }
}

async fn insert(change: &mut Connection, new: &NewJob<'_>) -> Result<Inserted, Error> {
    if let Some((request, fingerprint)) = new.request
        && let Some((earlier, job)) = requested(change, &new.job.owner, request).await?
    {
        if earlier == fingerprint {
            return Ok(Inserted::Already(Box::new(job)));
        }
        return Err(Error::RequestReused);
    }
    turns::check_room(change, &new.job.owner, new.most).await?;
    let number = insert_job(change, new.job).await?;
    if let Some((request, fingerprint)) = new.request {
        insert_request(change, number, &new.job.owner, request, fingerprint).await?;
    }
    Ok(Inserted::New)
}

async fn insert_job(change: &mut Connection, job: &Job) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO jobs (job_id, display_name, owner, dataset_id, dataset_etag, state, etag, created, \
         snapshot_id, trainer, updated, run, traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         RETURNING number",
    )
    .bind(job.id.as_str())
    .bind(&job.display_name)
    .bind(&job.owner)
    .bind(&job.dataset_id)
    .bind(&job.dataset_etag)
    .bind(job.state.as_str())
    .bind(&job.etag)
    .bind(job.created.as_secs().cast_signed())
    .bind(&job.snapshot_id)
    .bind(&job.trainer)
    .bind(job.updated.as_secs().cast_signed())
    .bind(job.run)
    .bind(&job.traceparent)
    .fetch_one(change)
    .await?;
    row.try_get("number")
}

async fn insert_request(
    change: &mut Connection,
    number: i64,
    owner: &str,
    request: &RequestId,
    fingerprint: [u8; 32],
) -> Result<(), sqlx::Error> {
    let insert = sqlx::query(
        "INSERT INTO requests (owner, request_id, fingerprint, job) VALUES ($1, $2, $3, $4)",
    );
    insert
        .bind(owner)
        .bind(request.as_str())
        .bind(fingerprint.as_slice())
        .bind(number)
        .execute(change)
        .await?;
    Ok(())
}
