//! Which jobs are kept: the newest of each user, as many and with as many bytes of results as one user may have.
//!
//! Invariant: only jobs that have ended go, the oldest first.

use hallpass_store::Row;
use sqlx::Row as _;

use super::Database;
use crate::ids::JobId;

/// How much of one user's is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) jobs: u32,
    pub(crate) bytes: u64,
}

impl Database {
    /// The users of whom more is kept than may be. Reads no job.
    pub(crate) async fn over(&self, kept: Kept) -> Result<Vec<String>, sqlx::Error> {
        let owners = sqlx::query(
            "SELECT owner FROM jobs GROUP BY owner HAVING COUNT(*) > $1 OR SUM(result_bytes) > $2",
        );
        let owners = owners.bind(i64::from(kept.jobs)).bind(bytes(kept));
        let owners = owners.fetch_all(&mut *self.store.read().await?).await?;
        owners.iter().map(|row| row.try_get("owner")).collect()
    }

    /// The jobs of a user that are not kept any more.
    pub(crate) async fn beyond(&self, owner: &str, kept: Kept) -> Result<Vec<JobId>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT job_id, state, result_bytes FROM jobs WHERE owner = $1 ORDER BY number DESC",
        );
        let rows = rows.bind(owner).fetch_all(&mut *self.store.read().await?).await?;
        let (mut jobs, mut size, mut beyond) = (0_u32, 0_i64, Vec::new());
        for row in &rows {
            jobs = jobs.saturating_add(1);
            size = size.saturating_add(row.try_get("result_bytes")?);
            let ended = !matches!(row.try_get("state")?, "queued" | "running");
            if ended && (jobs > kept.jobs || size > bytes(kept)) {
                beyond.push(id(row)?);
            }
        }
        Ok(beyond)
    }

    /// Drops a job that has ended, with its lines and its request.
    pub(crate) async fn remove(&self, id: &JobId) -> Result<(), sqlx::Error> {
        let gone = sqlx::query(
            "DELETE FROM jobs WHERE job_id = $1 AND state NOT IN ('queued', 'running')",
        );
        gone.bind(id.as_str()).execute(&mut *self.store.write().await?).await.map(drop)
    }
}

fn bytes(kept: Kept) -> i64 {
    i64::try_from(kept.bytes).unwrap_or(i64::MAX)
}

fn id(row: &Row) -> Result<JobId, sqlx::Error> {
    let unknown = || sqlx::Error::Decode("job_id holds an unknown value".into());
    JobId::parse(row.try_get("job_id")?).ok_or_else(unknown)
}
