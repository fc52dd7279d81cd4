//! Reads what an upload would become.

use std::collections::{BTreeMap, BTreeSet};

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::read::{dataset, known};
use super::uploads::{UploadRow, by_id};
use super::{Database, from_stored};
use crate::model::dataset::{Dataset, Split};
use crate::model::ids::{DatasetId, UploadId};
use crate::model::stored_file::StoredFile;

/// An upload with everything that was written, and the dataset that it changes.
#[derive(Debug)]
pub(crate) struct Complete {
    pub(crate) upload: UploadRow,
    /// Sorted by path.
    pub(crate) files: Vec<(String, StoredFile)>,
    /// The files that are not whole: path, bytes that have come, bytes that are to come in all.
    pub(crate) partial: Vec<(String, u64, u64)>,
    pub(crate) base: Option<Base>,
}

/// A dataset as it is before it changes.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) dataset: Dataset,
    /// Sorted by path.
    pub(crate) files: Vec<(String, StoredFile)>,
    /// By the items' paths.
    pub(crate) splits: BTreeMap<String, Option<Split>>,
}

impl Database {
    /// An open upload in whole; `None` if it is gone, or the dataset that it changes.
    pub(crate) async fn complete(
        &self,
        id: &UploadId,
        now: UnixTime,
    ) -> Result<Option<Complete>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let Some(upload) = by_id(&mut state, id, now).await? else { return Ok(None) };
        let files = sqlx::query(
            "SELECT upload_files.path AS path, upload_files.size_bytes AS size_bytes, sha256, stored_as FROM upload_files \
             JOIN upload_parts ON upload_parts.upload = upload_files.upload AND upload_parts.path = upload_files.path \
             WHERE upload_files.upload = $1 AND position = 0 ORDER BY upload_files.path",
        );
        let rows = files.bind(upload.number).fetch_all(&mut *state).await?;
        let files =
            rows.iter().filter_map(|row| whole(row).transpose()).collect::<Result<_, _>>()?;
        let partial = partial(&mut state, upload.number).await?;
        let base = if upload.revision { base(&mut state, &upload.dataset_id).await? } else { None };
        if upload.revision && base.is_none() {
            return Ok(None);
        }
        Ok(Some(Complete { upload, files, partial, base }))
    }

    /// The numbers of the objects beneath this id that something needs, and the numbers of the uploads that are still open.
    pub(crate) async fn needed(
        &self,
        id: &DatasetId,
    ) -> Result<(BTreeSet<u64>, BTreeSet<u64>), sqlx::Error> {
        let mut state = self.store.reading().await?;
        let mut needed = BTreeSet::new();
        for table in [
            "SELECT stored_as FROM files JOIN datasets ON dataset = number WHERE dataset_id = $1",
            "SELECT stored_as FROM snapshot_files JOIN snapshots ON snapshot = snapshots.number \
             JOIN datasets ON snapshots.dataset = datasets.number WHERE dataset_id = $1",
            "SELECT stored_as FROM upload_parts JOIN uploads ON upload = number WHERE dataset_id = $1",
        ] {
            let rows = sqlx::query(table).bind(id.as_str()).fetch_all(&mut *state).await?;
            for row in &rows {
                needed.insert(from_stored(row.try_get("stored_as")?));
            }
        }
        let open = sqlx::query("SELECT number FROM uploads WHERE dataset_id = $1");
        let open = open.bind(id.as_str()).fetch_all(&mut *state).await?;
        let open = open.iter().map(|row| row.try_get("number").map(from_stored));
        Ok((needed, open.collect::<Result<_, sqlx::Error>>()?))
    }
}

async fn partial(
    state: &mut Connection,
    upload: i64,
) -> Result<Vec<(String, u64, u64)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT path, received, size_bytes FROM upload_files WHERE upload = $1 AND LENGTH(sha256) = 0 ORDER BY path LIMIT 100",
    );
    let rows = rows.bind(upload).fetch_all(state).await?;
    let file = |row: &Row| {
        let count = |column| row.try_get(column).map(from_stored);
        Ok((row.try_get("path")?, count("received")?, count("size_bytes")?))
    };
    rows.iter().map(file).collect()
}

async fn base(state: &mut Connection, id: &DatasetId) -> Result<Option<Base>, sqlx::Error> {
    let Some(dataset) = dataset(state, id).await? else { return Ok(None) };
    let files = sqlx::query(
        "SELECT path, stored_as, files.size_bytes AS size_bytes, sha256 FROM files JOIN datasets ON dataset = number \
         WHERE dataset_id = $1 ORDER BY path",
    );
    let rows = files.bind(id.as_str()).fetch_all(&mut *state).await?;
    let files = rows.iter().filter_map(|row| whole(row).transpose()).collect::<Result<_, _>>()?;
    let items = sqlx::query(
        "SELECT path, split FROM items JOIN datasets ON dataset = number WHERE dataset_id = $1",
    );
    let mut splits = BTreeMap::new();
    for row in items.bind(id.as_str()).fetch_all(state).await? {
        let split = match row.try_get("split")? {
            "" => None,
            _ => Some(known(&row, "split", Split::from_stored)?),
        };
        splits.insert(row.try_get("path")?, split);
    }
    Ok(Some(Base { dataset, files, splits }))
}

/// A whole file; `None` where its hash is not known yet.
fn whole(row: &Row) -> Result<Option<(String, StoredFile)>, sqlx::Error> {
    let Ok(sha256) = <[u8; 32]>::try_from(row.try_get::<&[u8], _>("sha256")?) else {
        return Ok(None);
    };
    let stored = StoredFile {
        number: from_stored(row.try_get("stored_as")?),
        size: from_stored(row.try_get("size_bytes")?),
        sha256,
    };
    Ok(Some((row.try_get("path")?, stored)))
}
