//! Changes things. Every change is one transaction, as if changes came one after the other.

use hallpass_store::{Connection, Row, rows};
use sqlx::Row as _;

use super::permissions::may;
use super::read::requested;
use super::{Database, to_stored};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::file_path::shown;
use crate::ids::DatasetId;
use crate::inventory::StoredFile;
use crate::spec::Spec;

/// Everything that a new dataset consists of.
#[derive(Debug)]
pub(crate) struct NewDataset<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) spec: &'a Spec,
    pub(crate) files: &'a [(String, StoredFile)],
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// It is stored.
    New,
    /// The same request had made this one before.
    Already(Dataset),
}

/// An earlier answer to the same wish, if it was the same.
pub(crate) fn same_wish<T>(spec: &Spec, earlier: &[u8], answer: T) -> Result<T, Error> {
    if spec.fingerprint() == earlier { Ok(answer) } else { Err(Error::RequestReused) }
}

/// So many rows a statement: six values each stay below the bound on values.
const ROWS: usize = 1000;

impl Database {
    /// Stores a dataset: all of it or nothing.
    pub(crate) async fn insert(&self, new: &NewDataset<'_>) -> Result<Inserted, Error> {
        self.store.change(new, |change, new| Box::pin(insert(change, new))).await
    }

    /// Deletes a dataset, and the open uploads that would change it; `false` if there is none, or if the user may not.
    pub(crate) async fn delete(&self, id: &DatasetId, by: &str, etag: &str) -> Result<bool, Error> {
        let work = (id, by, etag);
        self.store
            .change(&work, |change, &(id, by, etag)| Box::pin(delete(change, id, by, etag)))
            .await
    }
}

async fn insert(change: &mut Connection, new: &NewDataset<'_>) -> Result<Inserted, Error> {
    if let Some(request) = new.spec.request() {
        let earlier = requested(change, &new.dataset.owner, request).await?;
        if let Some((fingerprint, dataset)) = earlier {
            return same_wish(new.spec, &fingerprint, Inserted::Already(dataset));
        }
    }
    let number = insert_dataset(change, new.dataset).await?;
    insert_classes(change, number, new.dataset).await?;
    insert_files(change, number, new.files).await?;
    insert_shares(change, number, new).await?;
    insert_request(change, number, new).await?;
    Ok(Inserted::New)
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

async fn insert_dataset(change: &mut Connection, dataset: &Dataset) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO datasets (dataset_id, display_name, format, owner, visibility, item_count, size_bytes, etag, \
         created, updated, description, file_count) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING number",
    )
    .bind(dataset.id.as_str())
    .bind(&dataset.display_name)
    .bind(dataset.format.as_str())
    .bind(&dataset.owner)
    .bind(dataset.visibility.as_str())
    .bind(to_stored(dataset.item_count))
    .bind(to_stored(dataset.size_bytes))
    .bind(&dataset.etag)
    .bind(to_stored(dataset.created.as_secs()))
    .bind(to_stored(dataset.updated.as_secs()))
    .bind(&dataset.description)
    .bind(to_stored(dataset.file_count))
    .fetch_one(change)
    .await?;
    row.try_get("number")
}

async fn insert_classes(
    change: &mut Connection,
    number: i64,
    dataset: &Dataset,
) -> Result<(), sqlx::Error> {
    for classes in dataset.classes.chunks(ROWS) {
        let into = "INSERT INTO classes (dataset, name, item_count) VALUES";
        let insert =
            classes.iter().fold(sqlx::query(rows(into, 3, classes.len())), |insert, class| {
                insert.bind(number).bind(&class.name).bind(to_stored(class.item_count))
            });
        insert.execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_files(
    change: &mut Connection,
    number: i64,
    files: &[(String, StoredFile)],
) -> Result<(), sqlx::Error> {
    for files in files.chunks(ROWS) {
        let into = "INSERT INTO files (dataset, path, stored_as, size_bytes, sha256) VALUES";
        let insert =
            files.iter().fold(sqlx::query(rows(into, 5, files.len())), |insert, (path, file)| {
                let insert = insert.bind(number).bind(path).bind(i64::from(file.number));
                insert.bind(to_stored(file.size)).bind(file.sha256.as_slice())
            });
        insert.execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_shares(
    change: &mut Connection,
    number: i64,
    new: &NewDataset<'_>,
) -> Result<(), sqlx::Error> {
    for share in new.spec.shares() {
        sqlx::query("INSERT INTO shares (dataset, subject, role) VALUES ($1, $2, $3)")
            .bind(number)
            .bind(&share.subject)
            .bind(share.role.as_str())
            .execute(&mut *change)
            .await?;
    }
    Ok(())
}

async fn insert_request(
    change: &mut Connection,
    number: i64,
    new: &NewDataset<'_>,
) -> Result<(), sqlx::Error> {
    let Some(request) = new.spec.request() else { return Ok(()) };
    sqlx::query(
        "INSERT INTO requests (owner, request_id, fingerprint, dataset) VALUES ($1, $2, $3, $4)",
    )
    .bind(&new.dataset.owner)
    .bind(request.as_str())
    .bind(new.spec.fingerprint().as_slice())
    .bind(number)
    .execute(change)
    .await?;
    Ok(())
}
