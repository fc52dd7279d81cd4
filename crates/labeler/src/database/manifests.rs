//! What a snapshot takes over from its dataset.
//!
//! Invariant: the summary is of the same rows that are kept, as both are read in one change.

use futures_util::TryStreamExt;
use hallpass_store::Connection;

use super::items::split_of;
use super::read::file;
use crate::error::Error;
use crate::model::manifest::Manifest;

/// What a dataset's files come to.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) content_sha256: [u8; 32],
    pub(super) files: u64,
    pub(super) size: u64,
    /// Items, in the order of `Split::ALL`.
    pub(super) splits: [u64; 3],
}

/// Goes through a dataset's files, one at a time.
pub(super) async fn summary(change: &mut Connection, dataset: i64) -> Result<Summary, Error> {
    let rows = sqlx::query(
        "SELECT files.path AS path, stored_as, size_bytes, sha256, COALESCE(split, '') AS split FROM files \
         LEFT JOIN items ON items.dataset = files.dataset AND items.path = files.path WHERE files.dataset = $1 ORDER BY files.path",
    );
    let mut rows = rows.bind(dataset).fetch(change);
    let mut manifest = Manifest::new();
    let (mut files, mut size, mut splits) = (0, 0, [0; 3]);
    while let Some(row) = rows.try_next().await? {
        let (file, split) = (file(&row)?, split_of(&row)?);
        manifest.add(&file.path, &file.stored.sha256, file.stored.size, split)?;
        files += 1;
        size += file.stored.size;
        if let Some(split) = split {
            splits[split as usize] += 1;
        }
    }
    Ok(Summary { content_sha256: manifest.finish(), files, size, splits })
}

/// Keeps a dataset's files, with what they are for, in a snapshot.
pub(super) async fn keep_files(
    change: &mut Connection,
    snapshot: i64,
    dataset: i64,
) -> Result<(), sqlx::Error> {
    let keep = sqlx::query(
        "INSERT INTO snapshot_files (snapshot, path, stored_as, size_bytes, sha256, item, split) \
         SELECT CAST($1 AS BIGINT), files.path, stored_as, size_bytes, sha256, CASE WHEN items.path IS NULL THEN 0 ELSE 1 END, \
         COALESCE(split, '') FROM files LEFT JOIN items ON items.dataset = files.dataset AND items.path = files.path \
         WHERE files.dataset = $2",
    );
    keep.bind(snapshot).bind(dataset).execute(change).await.map(|_| ())
}

/// Keeps a dataset's classes.
pub(super) async fn keep_classes(
    change: &mut Connection,
    snapshot: i64,
    dataset: i64,
) -> Result<(), sqlx::Error> {
    let keep = sqlx::query(
        "INSERT INTO snapshot_classes (snapshot, name, item_count) \
         SELECT CAST($1 AS BIGINT), name, item_count FROM classes WHERE dataset = $2",
    );
    keep.bind(snapshot).bind(dataset).execute(change).await.map(|_| ())
}
