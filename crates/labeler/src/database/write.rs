//! Changes things. Every change is one transaction that takes the write lock when it begins.

use sqlx::sqlite::Sqlite;
use sqlx::{QueryBuilder, Row, SqliteConnection, Transaction};

use super::read::requested;
use super::{Database, to_stored};
use crate::dataset::Dataset;
use crate::error::Error;
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

/// So many rows a statement: six values each stay below SQLite's bound on parameters.
const ROWS: usize = 1000;

impl Database {
    /// Stores a dataset: all of it or nothing.
    pub(crate) async fn insert(&self, new: &NewDataset<'_>) -> Result<Inserted, Error> {
        let mut change = self.change().await?;
        if let Some(request) = new.spec.request() {
            let earlier = requested(&mut change, &new.dataset.owner, request).await?;
            if let Some((fingerprint, dataset)) = earlier {
                return same_wish(new.spec, &fingerprint, Inserted::Already(dataset));
            }
        }
        let number = insert_dataset(&mut change, new.dataset).await?;
        insert_classes(&mut change, number, new.dataset).await?;
        insert_files(&mut change, number, new.files).await?;
        insert_shares(&mut change, number, new).await?;
        insert_request(&mut change, number, new).await?;
        change.commit().await?;
        Ok(Inserted::New)
    }

    /// Deletes a dataset if it has this etag, or whatever it has; says whether there was one.
    pub(crate) async fn delete(&self, id: &DatasetId, etag: Option<&str>) -> Result<bool, Error> {
        let mut change = self.change().await?;
        let row = sqlx::query("SELECT etag FROM datasets WHERE dataset_id = $1").bind(id.as_str());
        let Some(row) = row.fetch_optional(&mut *change).await? else { return Ok(false) };
        let stored: &str = row.try_get("etag")?;
        if etag.is_some_and(|etag| etag != stored) {
            return Err(Error::EtagMismatch);
        }
        let delete = sqlx::query("DELETE FROM datasets WHERE dataset_id = $1").bind(id.as_str());
        delete.execute(&mut *change).await?;
        change.commit().await?;
        Ok(true)
    }

    /// The store's own key of this name: the one proposed when it was first asked for.
    pub(crate) async fn own_key(
        &self,
        name: &str,
        proposed: &[u8],
    ) -> Result<Vec<u8>, sqlx::Error> {
        sqlx::query("INSERT INTO own_keys (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(proposed)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT key FROM own_keys WHERE name = $1").bind(name);
        row.fetch_one(&self.pool).await?.try_get("key")
    }

    async fn change(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}

async fn insert_dataset(
    change: &mut SqliteConnection,
    dataset: &Dataset,
) -> Result<i64, sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO datasets (dataset_id, display_name, format, owner, visibility, item_count, size_bytes, etag, \
         created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING number",
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
    .fetch_one(change)
    .await?;
    row.try_get("number")
}

async fn insert_classes(
    change: &mut SqliteConnection,
    number: i64,
    dataset: &Dataset,
) -> Result<(), sqlx::Error> {
    for classes in dataset.classes.chunks(ROWS) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("INSERT INTO classes (dataset, name, item_count) ");
        insert.push_values(classes, |mut row, class| {
            row.push_bind(number).push_bind(&class.name).push_bind(to_stored(class.item_count));
        });
        insert.build().execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_files(
    change: &mut SqliteConnection,
    number: i64,
    files: &[(String, StoredFile)],
) -> Result<(), sqlx::Error> {
    for files in files.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO files (dataset, path, stored_as, size_bytes, sha256) ",
        );
        insert.push_values(files, |mut row, (path, file)| {
            row.push_bind(number).push_bind(path).push_bind(i64::from(file.number));
            row.push_bind(to_stored(file.size)).push_bind(file.sha256.as_slice());
        });
        insert.build().execute(&mut *change).await?;
    }
    Ok(())
}

async fn insert_shares(
    change: &mut SqliteConnection,
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
    change: &mut SqliteConnection,
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
