//! What trainers print: the newest lines of each job.

use hallpass_store::Connection;
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::Database;
use crate::error::Error;
use crate::ids::JobId;

/// So many lines of a job are kept.
const KEPT: i64 = 10_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) number: i64,
    pub(crate) at: UnixTime,
    pub(crate) line: String,
}

impl Database {
    /// Keeps lines of a job, all or none, and drops its oldest if there are too many.
    pub(crate) async fn print(
        &self,
        job: i64,
        lines: &[String],
        now: UnixTime,
    ) -> Result<(), Error> {
        let with = (job, lines, now);
        self.store.change(&with, |change, with| Box::pin(print(change, with))).await
    }

    /// The lines of a job behind this one, so many at most.
    pub(crate) async fn printed(
        &self,
        job: &JobId,
        after: i64,
        most: i64,
    ) -> Result<Vec<Printed>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT job_lines.number AS place, at, line FROM job_lines JOIN jobs ON job = jobs.number \
             WHERE job_id = $1 AND job_lines.number > $2 ORDER BY job_lines.number LIMIT $3",
        );
        let rows = rows.bind(job.as_str()).bind(after).bind(most);
        let rows = rows.fetch_all(&mut *self.store.read().await?).await?;
        rows.iter()
            .map(|row| {
                let at = UnixTime::from_secs(row.try_get::<i64, _>("at")?.cast_unsigned());
                Ok(Printed { number: row.try_get("place")?, at, line: row.try_get("line")? })
            })
            .collect()
    }
}

async fn print(
    change: &mut Connection,
    (job, lines, now): &(i64, &[String], UnixTime),
) -> Result<(), Error> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) AS last FROM job_lines WHERE job = $1",
    );
    let mut last: i64 = row.bind(job).fetch_one(&mut *change).await?.try_get("last")?;
    for line in *lines {
        last += 1;
        sqlx::query("INSERT INTO job_lines (job, number, at, line) VALUES ($1, $2, $3, $4)")
            .bind(job)
            .bind(last)
            .bind(now.as_secs().cast_signed())
            .bind(line)
            .execute(&mut *change)
            .await?;
    }
    let drop = sqlx::query("DELETE FROM job_lines WHERE job = $1 AND number <= $2");
    drop.bind(job).bind(last - KEPT).execute(&mut *change).await?;
    Ok(())
}
