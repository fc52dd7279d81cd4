//! How two snapshots differ.
//!
//! Invariant: the changes come in the order of their paths, each once, and no more of them are held than a page has.

use std::collections::BTreeMap;

use hallpass_store::{Connection, Row};
use sqlx::{AssertSqlSafe, Row as _};

use super::Database;
use super::read::places;
use super::snapshots::snapshot_file;
use crate::model::ids::SnapshotId;
use crate::model::snapshot::{Difference, SnapshotFile};

/// The first $4 paths behind $3 that are in the first of the two and are another file, or none, in the second.
const GONE_OR_CHANGED: &str = "SELECT a.path AS path FROM snapshot_files a \
                               LEFT JOIN snapshot_files b ON b.snapshot = $2 AND b.path = a.path \
                               WHERE a.snapshot = $1 AND a.path > $3 AND (b.path IS NULL OR a.sha256 <> b.sha256 OR \
                               a.size_bytes <> b.size_bytes OR a.split <> b.split) ORDER BY a.path LIMIT $4";

/// The first $4 paths behind $3 that are in the second alone.
const ADDED: &str = "SELECT b.path AS path FROM snapshot_files b WHERE b.snapshot = $2 AND b.path > $3 AND NOT EXISTS \
                     (SELECT 1 FROM snapshot_files a WHERE a.snapshot = $1 AND a.path = b.path) ORDER BY b.path LIMIT $4";

/// The same as far as $5, so that what lies behind the page is not gone through for each page.
const ADDED_AS_FAR_AS: &str = "SELECT b.path AS path FROM snapshot_files b WHERE b.snapshot = $2 AND b.path > $3 AND b.path < $5 \
                               AND NOT EXISTS (SELECT 1 FROM snapshot_files a WHERE a.snapshot = $1 AND a.path = b.path) \
                               ORDER BY b.path LIMIT $4";

impl Database {
    /// The differences behind a path; `None` if there is not each of the two.
    pub(crate) async fn differences(
        &self,
        base: &SnapshotId,
        other: &SnapshotId,
        behind: &str,
        most: u32,
    ) -> Result<Option<Vec<Difference>>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let Some((base, base_hash)) = content(&mut state, base).await? else { return Ok(None) };
        let Some((other, other_hash)) = content(&mut state, other).await? else { return Ok(None) };
        if base_hash == other_hash {
            return Ok(Some(Vec::new()));
        }
        let paths = paths(&mut state, (base, other), behind, most).await?;
        let mut before = files(&mut state, base, &paths).await?;
        let mut after = files(&mut state, other, &paths).await?;
        let difference = |path: String| {
            let (before, after) = (before.remove(&path), after.remove(&path));
            Difference { path, before, after }
        };
        Ok(Some(paths.into_iter().map(difference).collect()))
    }
}

/// The first so many paths that differ, in their order.
async fn paths(
    state: &mut Connection,
    (base, other): (i64, i64),
    behind: &str,
    most: u32,
) -> Result<Vec<String>, sqlx::Error> {
    let query = |sql| sqlx::query(sql).bind(base).bind(other).bind(behind).bind(i64::from(most));
    let path = |row: &Row| row.try_get("path");
    let rows = query(GONE_OR_CHANGED).fetch_all(&mut *state).await?;
    let mut paths = rows.iter().map(path).collect::<Result<Vec<String>, _>>()?;
    let added = match paths.last().filter(|_| paths.len() >= most as usize) {
        Some(last) => query(ADDED_AS_FAR_AS).bind(last.clone()),
        None => query(ADDED),
    };
    for row in added.fetch_all(state).await? {
        paths.push(path(&row)?);
    }
    paths.sort_unstable();
    paths.truncate(most as usize);
    Ok(paths)
}

async fn content(
    state: &mut Connection,
    id: &SnapshotId,
) -> Result<Option<(i64, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query("SELECT number, content_sha256 FROM snapshots WHERE snapshot_id = $1");
    let row = row.bind(id.as_str()).fetch_optional(state).await?;
    row.map(|row| Ok((row.try_get("number")?, row.try_get("content_sha256")?))).transpose()
}

async fn files(
    state: &mut Connection,
    snapshot: i64,
    paths: &[String],
) -> Result<BTreeMap<String, SnapshotFile>, sqlx::Error> {
    if paths.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT path, stored_as, size_bytes, sha256, split FROM snapshot_files WHERE snapshot = $1 AND path IN ({})",
        places(2, paths.len())
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(snapshot);
    let rows = paths.iter().fold(rows, sqlx::query::Query::bind).fetch_all(state).await?;
    let files = rows.iter().map(|row| snapshot_file(row).map(|file| (file.row.path.clone(), file)));
    files.collect()
}
