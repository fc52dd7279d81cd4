//! Makes a dataset of an upload, or changes one: all of it or nothing.
//!
//! Invariant: what is stored is what was checked. If the upload or the dataset has changed since, nothing is.

use hallpass_store::{Connection, rows};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::counts::recount_splits;
use super::permissions::may;
use super::quota::Holdings;
use super::read::{dataset, requested};
use super::uploads::{UploadRow, drop_one};
use super::{Database, to_stored};
use crate::error::Error;
use crate::model::dataset::{Dataset, Split};
use crate::model::spec::Spec;
use crate::model::stored_file::StoredFile;
use crate::settings::Quota;

/// What an upload is to become.
#[derive(Debug)]
pub(crate) struct Finish<'a> {
    /// As it was when its files were checked.
    pub(crate) upload: &'a UploadRow,
    /// In whose name.
    pub(crate) by: &'a str,
    pub(crate) dataset: &'a Dataset,
    pub(crate) from: Origin<'a>,
    /// Sorted by path.
    pub(crate) files: &'a [(String, StoredFile)],
    pub(crate) items: &'a [ItemRow],
    pub(crate) now: UnixTime,
    /// What the owner's datasets may come to.
    pub(crate) quota: Quota,
}

/// What there was before.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A wish.
    Spec(&'a Spec),
    /// The dataset, which had this etag.
    Dataset {
        /// The etag.
        etag: &'a str,
    },
}

/// An item of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemRow {
    pub(crate) path: String,
    pub(crate) classes: Vec<String>,
    pub(crate) split: Option<Split>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Finished {
    /// This dataset is there now.
    Made(Dataset),
    /// The same request had made this one before.
    Already(Dataset),
    /// The upload or the dataset has changed since its files were checked.
    Changed,
    /// The upload is gone, or the user may not.
    Refused,
}

/// An earlier answer to the same wish, if it was the same.
pub(crate) fn same_wish<T>(spec: &Spec, earlier: &[u8], answer: T) -> Result<T, Error> {
    if spec.fingerprint() == earlier { Ok(answer) } else { Err(Error::RequestReused) }
}

/// So many rows a statement: five values each stay below the bound on values.
const ROWS: usize = 1000;

impl Database {
    /// Makes or changes a dataset and drops the upload.
    pub(crate) async fn finish(&self, finish: &Finish<'_>) -> Result<Finished, Error> {
        self.store.change(finish, |change, finish| Box::pin(run(change, finish))).await
    }
}

async fn run(change: &mut Connection, finish: &Finish<'_>) -> Result<Finished, Error> {
    let row = sqlx::query("SELECT version FROM uploads WHERE number = $1 AND expires > $2");
    let row = row.bind(finish.upload.number).bind(to_stored(finish.now.as_secs()));
    let Some(row) = row.fetch_optional(&mut *change).await? else { return Ok(Finished::Refused) };
    if row.try_get::<i64, _>("version")? != finish.upload.version {
        return Ok(Finished::Changed);
    }
    let owner = &finish.dataset.owner;
    let before = Holdings::of(change, owner).await?;
    let number = match finish.from {
        Origin::Spec(spec) => {
            if let Some(earlier) = earlier(change, finish, spec).await? {
                return Ok(Finished::Already(earlier));
            }
            let number = insert_dataset(change, finish.dataset).await?;
            insert_shares(change, number, spec).await?;
            insert_request(change, number, finish.by, spec).await?;
            number
        }
        Origin::Dataset { etag } => {
            if !may(change, &finish.dataset.id, finish.by, "write").await? {
                return Ok(Finished::Refused);
            }
            match emptied(change, finish.dataset, etag).await? {
                Some(number) => number,
                None => return Ok(Finished::Changed),
            }
        }
    };
    fill(change, number, finish).await?;
    before.grown_to(Holdings::of(change, owner).await?, finish.quota)?;
    drop_one(change, &finish.upload.id).await?;
    let made = dataset(change, &finish.dataset.id).await?;
    Ok(made.map_or(Finished::Refused, Finished::Made))
}

/// The dataset that the same request made meanwhile; then the upload goes.
async fn earlier(
    change: &mut Connection,
    finish: &Finish<'_>,
    spec: &Spec,
) -> Result<Option<Dataset>, Error> {
    let Some(request) = spec.request() else { return Ok(None) };
    let Some((fingerprint, dataset)) = requested(change, finish.by, request).await? else {
        return Ok(None);
    };
    let dataset = same_wish(spec, &fingerprint, dataset)?;
    drop_one(change, &finish.upload.id).await?;
    Ok(Some(dataset))
}

/// Changes the row of a dataset that has this etag and takes everything out that is to be put in anew.
async fn emptied(
    change: &mut Connection,
    dataset: &Dataset,
    etag: &str,
) -> Result<Option<i64>, sqlx::Error> {
    let update = sqlx::query(
        "UPDATE datasets SET item_count = $3, size_bytes = $4, file_count = $5, etag = $6, updated = $7 \
         WHERE dataset_id = $1 AND etag = $2 RETURNING number",
    );
    let update = update.bind(dataset.id.as_str()).bind(etag);
    let update = update.bind(to_stored(dataset.item_count)).bind(to_stored(dataset.size_bytes));
    let update = update.bind(to_stored(dataset.file_count)).bind(&dataset.etag);
    let update = update.bind(to_stored(dataset.updated.as_secs()));
    let Some(row) = update.fetch_optional(&mut *change).await? else { return Ok(None) };
    let number: i64 = row.try_get("number")?;
    for empty in [
        "DELETE FROM item_classes WHERE dataset = $1",
        "DELETE FROM items WHERE dataset = $1",
        "DELETE FROM classes WHERE dataset = $1",
        "DELETE FROM files WHERE dataset = $1",
    ] {
        sqlx::query(empty).bind(number).execute(&mut *change).await?;
    }
    Ok(Some(number))
}

async fn fill(
    change: &mut Connection,
    number: i64,
    finish: &Finish<'_>,
) -> Result<(), sqlx::Error> {
    insert_classes(change, number, finish.dataset).await?;
    insert_files(change, number, finish.files).await?;
    insert_items(change, number, finish.items).await?;
    recount_splits(change, number).await
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
                let insert = insert.bind(number).bind(path).bind(to_stored(file.number));
                insert.bind(to_stored(file.size)).bind(file.sha256.as_slice())
            });
        insert.execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_items(
    change: &mut Connection,
    number: i64,
    items: &[ItemRow],
) -> Result<(), sqlx::Error> {
    for items in items.chunks(ROWS) {
        let into = "INSERT INTO items (dataset, path, split) VALUES";
        let insert = items.iter().fold(sqlx::query(rows(into, 3, items.len())), |insert, item| {
            insert.bind(number).bind(&item.path).bind(item.split.map_or("", Split::as_str))
        });
        insert.execute(&mut *change).await?;
    }
    let labels = |item: &ItemRow| {
        let path = item.path.clone();
        item.classes.clone().into_iter().map(move |class| (path.clone(), class))
    };
    let mut labels = items.iter().flat_map(labels).peekable();
    while labels.peek().is_some() {
        let some: Vec<_> = labels.by_ref().take(ROWS).collect();
        let into = "INSERT INTO item_classes (dataset, path, class) VALUES";
        let insert = some.iter().fold(sqlx::query(rows(into, 3, some.len())), |insert, label| {
            insert.bind(number).bind(&label.0).bind(&label.1)
        });
        insert.execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_shares(
    change: &mut Connection,
    number: i64,
    spec: &Spec,
) -> Result<(), sqlx::Error> {
    for share in spec.shares() {
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
    owner: &str,
    spec: &Spec,
) -> Result<(), sqlx::Error> {
    let Some(request) = spec.request() else { return Ok(()) };
    sqlx::query(
        "INSERT INTO requests (owner, request_id, fingerprint, dataset) VALUES ($1, $2, $3, $4)",
    )
    .bind(owner)
    .bind(request.as_str())
    .bind(spec.fingerprint().as_slice())
    .bind(number)
    .execute(change)
    .await?;
    Ok(())
}

/// A dataset as tests put it in, without an upload.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct NewDataset<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) spec: &'a Spec,
    pub(crate) files: &'a [(String, StoredFile)],
}

#[cfg(test)]
impl Database {
    /// Puts a dataset in.
    pub(crate) async fn insert(&self, new: &NewDataset<'_>) -> Result<(), Error> {
        let work = async |change: &mut Connection, new: &NewDataset<'_>| {
            let number = insert_dataset(change, new.dataset).await?;
            insert_classes(change, number, new.dataset).await?;
            insert_files(change, number, new.files).await?;
            insert_shares(change, number, new.spec).await?;
            insert_request(change, number, &new.dataset.owner, new.spec).await
        };
        let mut connection = self.store.write().await?;
        Ok(work(&mut connection, new).await?)
    }
}
