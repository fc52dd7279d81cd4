//! Changes things. Every change is one transaction that takes the write lock when it begins.

use sqlx::sqlite::Sqlite;
use sqlx::{Row, SqliteConnection, Transaction};

use super::Database;
use super::read::requested;
use crate::error::Error;
use crate::ids::RequestId;
use crate::job::Job;

/// Everything that a new job consists of.
#[derive(Debug)]
pub(crate) struct NewJob<'a> {
    pub(crate) job: &'a Job,
    pub(crate) request: Option<(&'a RequestId, [u8; 32])>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// It is stored.
    New,
    /// The same request had made this one before.
    Already(Job),
}

impl Database {
    /// Stores a job, unless its request has made one before.
    pub(crate) async fn insert(&self, new: &NewJob<'_>) -> Result<Inserted, Error> {
        let mut change = self.change().await?;
        if let Some((request, fingerprint)) = new.request
            && let Some((earlier, job)) = requested(&mut change, &new.job.owner, request).await?
        {
            if earlier == fingerprint {
                return Ok(Inserted::Already(job));
            }
            return Err(Error::RequestReused);
        }
        let number = insert_job(&mut change, new.job).await?;
        if let Some((request, fingerprint)) = new.request {
            insert_request(&mut change, number, &new.job.owner, request, fingerprint).await?;
        }
        change.commit().await?;
        Ok(Inserted::New)
    }

    /// The store's own key of this name: the one proposed when it was first asked for.
    pub(crate) async fn own_key(
        &self,
        name: &str,
        proposed: &[u8],
    ) -> Result<Vec<u8>, sqlx::Error> {
        sqlx::query("INSERT INTO own_keys (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(proposed)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT key FROM own_keys WHERE name = $1").bind(name);
        row.fetch_one(&self.pool).await?.try_get("key")
    }

    async fn change(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}

async fn insert_job(change: &mut SqliteConnection, job: &Job) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO jobs (job_id, display_name, owner, dataset_id, dataset_etag, state, etag, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING number",
    )
    .bind(job.id.as_str())
    .bind(&job.display_name)
    .bind(&job.owner)
    .bind(&job.dataset_id)
    .bind(&job.dataset_etag)
    .bind(job.state.as_str())
    .bind(&job.etag)
    .bind(job.created.as_secs().cast_signed())
    .fetch_one(change)
    .await?;
    row.try_get("number")
}

async fn insert_request(
    change: &mut SqliteConnection,
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
