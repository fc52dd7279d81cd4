//! Snapshots: made, looked up, deleted.
//!
//! Invariant: a snapshot is one state of its dataset, and its hash is that of the files it names. It is written once and never changed.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::{AssertSqlSafe, Row as _};

use super::items::{number_of, split_of};
use super::manifests::{Summary, keep_classes, keep_files, summary};
use super::objects::unneeded;
use super::permissions::may;
use super::quota::{self, Holdings};
use super::read::{file, known};
use super::{Database, from_stored, to_stored};
use crate::error::Error;
use crate::model::dataset::{Class, Format};
use crate::model::ids::{DatasetId, RequestId, SnapshotId};
use crate::model::snapshot::{Snapshot, SnapshotFile};
use crate::settings::Quota;

/// A snapshot to make.
#[derive(Debug)]
pub(crate) struct NewSnapshot<'a> {
    /// Of which dataset.
    pub(crate) dataset: &'a DatasetId,
    /// In whose name.
    pub(crate) by: &'a str,
    /// The etag that the dataset must have; empty for any.
    pub(crate) expected: &'a str,
    /// Its id.
    pub(crate) id: &'a SnapshotId,
    /// A name for people.
    pub(crate) display_name: &'a str,
    /// What makes the call idempotent.
    pub(crate) request: Option<&'a RequestId>,
    /// What the request wishes for.
    pub(crate) fingerprint: [u8; 32],
    /// When.
    pub(crate) now: UnixTime,
    /// What the owner's datasets may come to.
    pub(crate) quota: Quota,
}

/// A snapshot that is gone, with the objects that nothing needs any more.
#[derive(Debug)]
pub(crate) struct Deleted {
    /// Where the objects are.
    pub(crate) dataset: DatasetId,
    /// Their numbers.
    pub(crate) objects: Vec<u64>,
}

const COLUMNS: &str = "snapshots.number AS number, snapshot_id, dataset_id, snapshots.display_name AS display_name, creator, \
                       snapshots.format AS format, content_sha256, snapshots.file_count AS file_count, \
                       snapshots.item_count AS item_count, snapshots.size_bytes AS size_bytes, train_count, validation_count, \
                       test_count, snapshots.created AS created FROM snapshots JOIN datasets ON snapshots.dataset = datasets.number";

impl Database {
    /// Makes a snapshot, or finds the one that the same request made; `None` if there is no dataset, or if the user may not.
    pub(crate) async fn create_snapshot(
        &self,
        new: &NewSnapshot<'_>,
    ) -> Result<Option<Snapshot>, Error> {
        self.store.change(new, |change, new| Box::pin(create(change, new))).await
    }

    /// One snapshot.
    pub(crate) async fn snapshot(&self, id: &SnapshotId) -> Result<Option<Snapshot>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        snapshot(&mut state, id).await
    }

    /// A dataset's snapshots before this number, the newest first, with their numbers. Reads no further than they weigh so much
    /// together.
    pub(crate) async fn snapshots(
        &self,
        id: &DatasetId,
        before: i64,
        most: u32,
        heaviest: usize,
    ) -> Result<Option<Vec<(i64, Snapshot)>>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let Some((dataset, _)) = number_of(&mut state, id).await? else { return Ok(None) };
        let sql = format!(
            "SELECT {COLUMNS} WHERE dataset = $1 AND snapshots.number < $2 ORDER BY snapshots.number DESC LIMIT $3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(dataset).bind(before);
        let rows = rows.bind(i64::from(most)).fetch_all(&mut *state).await?;
        let (mut found, mut weight) = (Vec::new(), 0);
        for row in &rows {
            let snapshot = complete(&mut state, row).await?;
            weight += snapshot.weight();
            found.push((row.try_get("number")?, snapshot));
            if weight > heaviest && found.len() > 1 {
                break;
            }
        }
        Ok(Some(found))
    }

    /// A snapshot's files behind a path, in the order of the paths.
    pub(crate) async fn snapshot_files(
        &self,
        id: &SnapshotId,
        behind: &str,
        most: u32,
    ) -> Result<Vec<SnapshotFile>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT path, stored_as, size_bytes, sha256, split FROM snapshot_files \
             WHERE snapshot = (SELECT number FROM snapshots WHERE snapshot_id = $1) AND path > $2 ORDER BY path LIMIT $3",
        );
        let rows = rows.bind(id.as_str()).bind(behind).bind(i64::from(most));
        rows.fetch_all(&mut *self.store.read().await?).await?.iter().map(snapshot_file).collect()
    }

    /// One file of a snapshot.
    pub(crate) async fn snapshot_file(
        &self,
        id: &SnapshotId,
        path: &str,
    ) -> Result<Option<SnapshotFile>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT path, stored_as, size_bytes, sha256, split FROM snapshot_files \
             WHERE snapshot = (SELECT number FROM snapshots WHERE snapshot_id = $1) AND path = $2",
        );
        let row =
            row.bind(id.as_str()).bind(path).fetch_optional(&mut *self.store.read().await?).await?;
        row.as_ref().map(snapshot_file).transpose()
    }

    /// Deletes a snapshot; `None` if there is none, or if the user may not.
    pub(crate) async fn delete_snapshot(
        &self,
        id: &SnapshotId,
        by: &str,
    ) -> Result<Option<Deleted>, Error> {
        self.store.change(&(id, by), |change, work| Box::pin(delete(change, work.0, work.1))).await
    }
}

async fn create(change: &mut Connection, new: &NewSnapshot<'_>) -> Result<Option<Snapshot>, Error> {
    if !may(change, new.dataset, new.by, "write").await? {
        return Ok(None);
    }
    if let Some(earlier) = requested(change, new).await? {
        return Ok(Some(earlier));
    }
    let Some((dataset, etag)) = number_of(change, new.dataset).await? else { return Ok(None) };
    if !new.expected.is_empty() && new.expected != etag {
        return Err(Error::EtagMismatch);
    }
    let owner = owner(change, dataset).await?;
    let before = Holdings::of(change, &owner).await?;
    let summary = summary(change, dataset).await?;
    let number = insert(change, dataset, new, &summary).await?;
    keep_files(change, number, dataset).await?;
    keep_classes(change, number, dataset).await?;
    quota::check_snapshots(change, dataset, new.quota).await?;
    before.grown_to(Holdings::of(change, &owner).await?, new.quota)?;
    Ok(snapshot(change, new.id).await?)
}

async fn owner(change: &mut Connection, dataset: i64) -> Result<String, sqlx::Error> {
    let row = sqlx::query("SELECT owner FROM datasets WHERE number = $1").bind(dataset);
    row.fetch_one(change).await?.try_get("owner")
}

async fn requested(
    change: &mut Connection,
    new: &NewSnapshot<'_>,
) -> Result<Option<Snapshot>, Error> {
    let Some(request) = new.request else { return Ok(None) };
    let row = sqlx::query(
        "SELECT snapshot_id, fingerprint FROM snapshots WHERE creator = $1 AND request_id = $2",
    );
    let row = row.bind(new.by).bind(request.as_str()).fetch_optional(&mut *change).await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<&[u8], _>("fingerprint")? != new.fingerprint {
        return Err(Error::RequestReused);
    }
    let id = known(&row, "snapshot_id", SnapshotId::parse)?;
    Ok(snapshot(change, &id).await?)
}

async fn insert(
    change: &mut Connection,
    dataset: i64,
    new: &NewSnapshot<'_>,
    summary: &Summary,
) -> Result<i64, sqlx::Error> {
    let is = sqlx::query("SELECT format, item_count FROM datasets WHERE number = $1");
    let is = is.bind(dataset).fetch_one(&mut *change).await?;
    let row = sqlx::query(
        "INSERT INTO snapshots (snapshot_id, dataset, display_name, creator, format, content_sha256, file_count, item_count, \
         size_bytes, train_count, validation_count, test_count, created, request_id, fingerprint) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING number",
    );
    let row = row.bind(new.id.as_str()).bind(dataset).bind(new.display_name).bind(new.by);
    let row = row.bind(is.try_get::<String, _>("format")?).bind(summary.content_sha256.as_slice());
    let row = row.bind(to_stored(summary.files)).bind(is.try_get::<i64, _>("item_count")?);
    let row = row.bind(to_stored(summary.size));
    let row = summary.splits.iter().fold(row, |row, count| row.bind(to_stored(*count)));
    let row = row.bind(to_stored(new.now.as_secs()));
    let row = row.bind(new.request.map_or("", RequestId::as_str));
    row.bind(new.fingerprint.as_slice()).fetch_one(change).await?.try_get("number")
}

async fn delete(
    change: &mut Connection,
    id: &SnapshotId,
    by: &str,
) -> Result<Option<Deleted>, Error> {
    let row = sqlx::query(
        "SELECT snapshots.number AS number, dataset_id FROM snapshots JOIN datasets ON dataset = datasets.number \
         WHERE snapshot_id = $1",
    );
    let row = row.bind(id.as_str()).fetch_optional(&mut *change).await?;
    let Some(row) = row else { return Ok(None) };
    let number: i64 = row.try_get("number")?;
    let dataset = known(&row, "dataset_id", DatasetId::parse)?;
    if !may(change, &dataset, by, "delete").await? {
        return Ok(None);
    }
    let objects = sqlx::query("SELECT stored_as FROM snapshot_files WHERE snapshot = $1");
    let objects = objects.bind(number).fetch_all(&mut *change).await?;
    let objects = objects.iter().map(|row| row.try_get("stored_as"));
    let objects = objects.collect::<Result<_, sqlx::Error>>()?;
    let delete = sqlx::query("DELETE FROM snapshots WHERE number = $1").bind(number);
    delete.execute(&mut *change).await?;
    let objects = unneeded(change, &dataset, objects).await?;
    let objects = objects.into_iter().map(from_stored).collect();
    Ok(Some(Deleted { dataset, objects }))
}

async fn snapshot(
    state: &mut Connection,
    id: &SnapshotId,
) -> Result<Option<Snapshot>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} WHERE snapshot_id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(&mut *state).await?;
    let Some(row) = row else { return Ok(None) };
    complete(state, &row).await.map(Some)
}

async fn complete(state: &mut Connection, row: &Row) -> Result<Snapshot, sqlx::Error> {
    let number: i64 = row.try_get("number")?;
    let classes = sqlx::query(
        "SELECT name, item_count FROM snapshot_classes WHERE snapshot = $1 ORDER BY name",
    );
    let classes = classes.bind(number).fetch_all(state).await?;
    let class = |row: &Row| -> Result<Class, sqlx::Error> {
        Ok(Class { name: row.try_get("name")?, item_count: count(row, "item_count")? })
    };
    let sha256 = <[u8; 32]>::try_from(row.try_get::<&[u8], _>("content_sha256")?);
    Ok(Snapshot {
        id: known(row, "snapshot_id", SnapshotId::parse)?,
        dataset: known(row, "dataset_id", DatasetId::parse)?,
        display_name: row.try_get("display_name")?,
        creator: row.try_get("creator")?,
        format: known(row, "format", Format::from_stored)?,
        content_sha256: sha256.map_err(|error| sqlx::Error::Decode(error.into()))?,
        file_count: count(row, "file_count")?,
        item_count: count(row, "item_count")?,
        size_bytes: count(row, "size_bytes")?,
        classes: classes.iter().map(class).collect::<Result<_, _>>()?,
        splits: [
            count(row, "train_count")?,
            count(row, "validation_count")?,
            count(row, "test_count")?,
        ],
        created: UnixTime::from_secs(count(row, "created")?),
    })
}

fn count(row: &Row, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get(column).map(from_stored)
}

pub(super) fn snapshot_file(row: &Row) -> Result<SnapshotFile, sqlx::Error> {
    Ok(SnapshotFile { row: file(row)?, split: split_of(row)? })
}
