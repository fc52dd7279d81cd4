//! Which stored objects of a dataset nothing names any more.
//!
//! Invariant: an object is given up only if no file of the dataset, no snapshot of it and no open upload names it, in the state that
//! the change leaves behind. Numbers are never used twice, so what is given up stays so.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use hallpass_store::{Connection, Query};
use sqlx::{AssertSqlSafe, Row as _};

use super::read::places;
use crate::model::ids::DatasetId;

const OF_FILES: &str =
    "SELECT stored_as FROM files JOIN datasets ON dataset = number WHERE dataset_id = $1";
const OF_UPLOADS: &str =
    "SELECT stored_as FROM upload_parts JOIN uploads ON upload = number WHERE dataset_id = $1";
const OF_SNAPSHOTS: &str = "SELECT DISTINCT stored_as FROM snapshot_files JOIN snapshots ON snapshot = snapshots.number \
                            JOIN datasets ON dataset = datasets.number WHERE dataset_id = $1 AND stored_as IN ";

/// So many numbers are looked up at a time.
const AT_ONCE: usize = 1000;

/// Those of these numbers that nothing names now. To be called behind everything that the change deletes; the objects are removed
/// when it is committed.
pub(super) async fn unneeded(
    change: &mut Connection,
    id: &DatasetId,
    mut candidates: BTreeSet<i64>,
) -> Result<Vec<i64>, sqlx::Error> {
    for named in [OF_FILES, OF_UPLOADS] {
        if !candidates.is_empty() {
            keep(change, sqlx::query(named).bind(id.as_str()), &mut candidates).await?;
        }
    }
    // Only these are by number: a dataset may have many snapshots, and hardly ever does anything come so far.
    let left: Vec<i64> = candidates.iter().copied().collect();
    for numbers in left.chunks(AT_ONCE) {
        let sql = format!("{OF_SNAPSHOTS} ({})", places(2, numbers.len()));
        let named = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str());
        let named = numbers.iter().fold(named, |named, number| named.bind(*number));
        keep(change, named, &mut candidates).await?;
    }
    Ok(candidates.into_iter().collect())
}

async fn keep(
    change: &mut Connection,
    named: Query<'_>,
    candidates: &mut BTreeSet<i64>,
) -> Result<(), sqlx::Error> {
    let mut rows = named.fetch(change);
    while let Some(row) = rows.try_next().await? {
        candidates.remove(&row.try_get("stored_as")?);
    }
    Ok(())
}
