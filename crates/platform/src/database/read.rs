//! Looks things up.

use hallpass_jobs::{Activity, Place};
use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use super::Database;
use crate::ids::{JobId, RequestId};
use crate::job::{Job, State};

/// The columns of a job. By name, because what a statement with `*` gives changes as soon as a newer process adds a column, and
/// PostgreSQL refuses the statement then.
macro_rules! columns {
    () => {
        "jobs.number, jobs.job_id, jobs.display_name, jobs.owner, jobs.dataset_id, jobs.dataset_etag, jobs.snapshot_id, \
         jobs.trainer, jobs.state, jobs.activity, jobs.attempt, jobs.progress, jobs.message, jobs.abort_requested, \
         jobs.result, jobs.failure, jobs.etag, jobs.created, jobs.updated, jobs.ended, jobs.run, jobs.traceparent, \
         jobs.lease, jobs.lease_until"
    };
}
pub(super) use columns;

/// A job with its place in the order of creation.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) job: Job,
}

impl Database {
    /// One job.
    pub(crate) async fn job(&self, id: &JobId) -> Result<Option<Job>, sqlx::Error> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM jobs WHERE job_id = $1"))
            .bind(id.as_str());
        row.fetch_optional(&mut *self.store.read().await?).await?.as_ref().map(job).transpose()
    }

    /// The newest jobs below `before` that the owner has, of this state and on this dataset where they are not empty.
    pub(crate) async fn owned(
        &self,
        owner: &str,
        (state, dataset_id): (&str, &str),
        before: i64,
        most: u32,
    ) -> Result<Vec<Listed>, sqlx::Error> {
        let rows = sqlx::query(concat!(
            "SELECT ",
            columns!(),
            " FROM jobs WHERE owner = $1 AND number < $2 AND ($3 = '' OR state = $3) \
             AND ($4 = '' OR dataset_id = $4) ORDER BY number DESC LIMIT $5",
        ));
        let rows = rows
            .bind(owner)
            .bind(before)
            .bind(state)
            .bind(dataset_id)
            .bind(i64::from(most))
            .fetch_all(&mut *self.store.read().await?)
            .await?;
        rows.iter()
            .map(|row| Ok(Listed { number: row.try_get("number")?, job: job(row)? }))
            .collect()
    }

    /// Whose job it is, if there is such a job.
    pub(crate) async fn owner(&self, id: &JobId) -> Result<Option<String>, sqlx::Error> {
        let row = sqlx::query("SELECT owner FROM jobs WHERE job_id = $1").bind(id.as_str());
        let row = row.fetch_optional(&mut *self.store.read().await?).await?;
        row.map(|row| row.try_get("owner")).transpose()
    }

    /// The job that an earlier request made, with that request's fingerprint.
    pub(crate) async fn requested(
        &self,
        owner: &str,
        request: &RequestId,
    ) -> Result<Option<(Vec<u8>, Job)>, sqlx::Error> {
        requested(&mut *self.store.read().await?, owner, request).await
    }
}

pub(super) async fn requested(
    state: &mut Connection,
    owner: &str,
    request: &RequestId,
) -> Result<Option<(Vec<u8>, Job)>, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT fingerprint, ",
        columns!(),
        " FROM requests JOIN jobs ON job = number WHERE requests.owner = $1 AND request_id = $2",
    ));
    let row = row.bind(owner).bind(request.as_str()).fetch_optional(state).await?;
    row.map(|row| Ok((row.try_get("fingerprint")?, job(&row)?))).transpose()
}

pub(super) fn job(row: &Row) -> Result<Job, sqlx::Error> {
    Ok(Job {
        id: known(row, "job_id", JobId::parse)?,
        display_name: row.try_get("display_name")?,
        owner: row.try_get("owner")?,
        dataset_id: row.try_get("dataset_id")?,
        dataset_etag: row.try_get("dataset_etag")?,
        snapshot_id: row.try_get("snapshot_id")?,
        trainer: row.try_get("trainer")?,
        state: known(row, "state", State::from_stored)?,
        place: place(row)?,
        progress: row.try_get("progress")?,
        message: row.try_get("message")?,
        abort_requested: row.try_get::<i64, _>("abort_requested")? != 0,
        result: json(row, "result")?,
        failure: json(row, "failure")?,
        etag: row.try_get("etag")?,
        created: instant(row, "created")?,
        updated: instant(row, "updated")?,
        ended: Some(instant(row, "ended")?).filter(|ended| ended.as_secs() > 0),
        run: row.try_get("run")?,
        traceparent: row.try_get("traceparent")?,
    })
}

fn place(row: &Row) -> Result<Option<Place>, sqlx::Error> {
    if row.try_get::<&str, _>("activity")?.is_empty() {
        return Ok(None);
    }
    let activity = known(row, "activity", Activity::from_stored)?;
    let attempt = u32::try_from(row.try_get::<i64, _>("attempt")?).unwrap_or(u32::MAX);
    Ok(Some(Place { activity, attempt }))
}

fn instant(row: &Row, column: &'static str) -> Result<UnixTime, sqlx::Error> {
    Ok(UnixTime::from_secs(row.try_get::<i64, _>(column)?.cast_unsigned()))
}

/// Nothing where the column is empty.
fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A column whose text must be one that this crate writes.
fn known<T>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    parse(text)
        .ok_or_else(|| sqlx::Error::Decode(format!("{column} holds an unknown value").into()))
}
