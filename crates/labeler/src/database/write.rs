//! Changes things. Every change is one transaction, as if changes came one after the other.

use hallpass_store::{Connection, Row};
use sqlx::Row as _;

use super::Database;
use super::permissions::may;
use crate::error::Error;
use crate::model::ids::DatasetId;
use hallpass_formats::shown;

impl Database {
    /// Deletes a dataset, and the open uploads that would change it; `false` if there is none, or if the user may not.
    pub(crate) async fn delete(&self, id: &DatasetId, by: &str, etag: &str) -> Result<bool, Error> {
        let work = (id, by, etag);
        self.store
            .change(&work, |change, &(id, by, etag)| Box::pin(delete(change, id, by, etag)))
            .await
    }
}

async fn delete(
    change: &mut Connection,
    id: &DatasetId,
    by: &str,
    etag: &str,
) -> Result<bool, Error> {
    if !may(change, id, by, "delete").await? {
        return Ok(false);
    }
    let row = sqlx::query("SELECT number, etag FROM datasets WHERE dataset_id = $1");
    let row = row.bind(id.as_str()).fetch_optional(&mut *change).await?;
    let Some(row) = row else { return Ok(false) };
    if !etag.is_empty() && etag != row.try_get::<&str, _>("etag")? {
        return Err(Error::EtagMismatch);
    }
    let needed_by = snapshots_of(change, row.try_get("number")?).await?;
    if !needed_by.is_empty() {
        return Err(Error::SnapshotsNeedIt(needed_by));
    }
    for delete in [
        "DELETE FROM uploads WHERE dataset_id = $1 AND revision = 1",
        "DELETE FROM datasets WHERE dataset_id = $1",
    ] {
        sqlx::query(delete).bind(id.as_str()).execute(&mut *change).await?;
    }
    Ok(true)
}

/// The ids and names of the snapshots that hold on to a dataset, the oldest first.
async fn snapshots_of(change: &mut Connection, number: i64) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT snapshot_id, display_name FROM snapshots WHERE dataset = $1 ORDER BY number",
    );
    let rows = rows.bind(number).fetch_all(change).await?;
    let named = |row: &Row| -> Result<String, sqlx::Error> {
        let (id, name): (&str, &str) = (row.try_get("snapshot_id")?, row.try_get("display_name")?);
        Ok(format!("{id} {}", shown(name)))
    };
    rows.iter().map(named).collect()
}
