//! Looks things up.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Database, from_stored};
use crate::model::access::Visibility;
use crate::model::dataset::{Class, Dataset, Format, Split};
use crate::model::ids::{DatasetId, RequestId};
use crate::model::stored_file::StoredFile;

/// A dataset with its place in the order of creation.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) dataset: Dataset,
}

/// A file with its path.
#[derive(Debug)]
pub(crate) struct FileRow {
    pub(crate) path: String,
    pub(crate) stored: StoredFile,
}

/// What became of a look-up of several.
#[derive(Debug)]
pub(crate) enum Several {
    All(Vec<Dataset>),
    /// There is none of this id.
    Absent(DatasetId),
    TooHeavy,
}

/// What `complete` needs of a dataset.
pub(super) const COLUMNS: &str = "number, dataset_id, display_name, format, owner, visibility, item_count, size_bytes, etag, \
                                  created, updated, description, file_count";

/// So many datasets are looked up at a time.
const AT_ONCE: usize = 20;

impl Database {
    /// One dataset.
    pub(crate) async fn dataset(&self, id: &DatasetId) -> Result<Option<Dataset>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        dataset(&mut state, id).await
    }

    /// Several datasets in the order asked for. Reads no further than they weigh so much together.
    pub(crate) async fn datasets(
        &self,
        ids: &[DatasetId],
        heaviest: usize,
    ) -> Result<Several, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let (mut found, mut weight) = (Vec::with_capacity(ids.len()), 0);
        for ids in ids.chunks(AT_ONCE) {
            let rows = rows_of(&mut state, ids).await?;
            let listed = complete(&mut state, &rows, usize::MAX).await?;
            for id in ids {
                let Some(listed) = listed.iter().find(|listed| listed.dataset.id == *id) else {
                    return Ok(Several::Absent(id.clone()));
                };
                weight += listed.dataset.weight();
                found.push(listed.dataset.clone());
            }
            if weight > heaviest {
                return Ok(Several::TooHeavy);
            }
        }
        Ok(Several::All(found))
    }

    /// Whether there is such a dataset.
    pub(crate) async fn exists(&self, id: &DatasetId) -> Result<bool, sqlx::Error> {
        let row = sqlx::query("SELECT 1 FROM datasets WHERE dataset_id = $1").bind(id.as_str());
        Ok(row.fetch_optional(&mut *self.store.read().await?).await?.is_some())
    }

    /// Whether the files of this id belong to a dataset, or to one that is being uploaded.
    pub(crate) async fn holds(&self, id: &DatasetId) -> Result<bool, sqlx::Error> {
        let row = sqlx::query(
            "SELECT 1 FROM datasets WHERE dataset_id = $1 UNION ALL SELECT 1 FROM uploads WHERE dataset_id = $1",
        );
        Ok(row.bind(id.as_str()).fetch_optional(&mut *self.store.read().await?).await?.is_some())
    }

    /// The dataset that an earlier request made, with that request's fingerprint.
    pub(crate) async fn requested(
        &self,
        owner: &str,
        request: &RequestId,
    ) -> Result<Option<(Vec<u8>, Dataset)>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        requested(&mut state, owner, request).await
    }

    /// The dataset's files behind a path, in the order of their paths.
    pub(crate) async fn files_behind(
        &self,
        id: &DatasetId,
        path: &str,
        most: u32,
    ) -> Result<Vec<FileRow>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT path, stored_as, files.size_bytes, sha256 FROM files JOIN datasets ON dataset = number \
             WHERE dataset_id = $1 AND path > $2 ORDER BY path LIMIT $3",
        );
        let rows = rows
            .bind(id.as_str())
            .bind(path)
            .bind(i64::from(most))
            .fetch_all(&mut *self.store.read().await?)
            .await?;
        rows.iter().map(file).collect()
    }

    /// One file.
    pub(crate) async fn file(
        &self,
        id: &DatasetId,
        path: &str,
    ) -> Result<Option<FileRow>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT path, stored_as, files.size_bytes, sha256 FROM files JOIN datasets ON dataset = number \
             WHERE dataset_id = $1 AND path = $2",
        );
        let row =
            row.bind(id.as_str()).bind(path).fetch_optional(&mut *self.store.read().await?).await?;
        row.as_ref().map(file).transpose()
    }
}

pub(super) async fn requested(
    state: &mut Connection,
    owner: &str,
    request: &RequestId,
) -> Result<Option<(Vec<u8>, Dataset)>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT fingerprint, dataset_id FROM requests JOIN datasets ON dataset = number \
         WHERE requests.owner = $1 AND request_id = $2",
    );
    let row = row.bind(owner).bind(request.as_str()).fetch_optional(&mut *state).await?;
    let Some(row) = row else { return Ok(None) };
    let id = known(&row, "dataset_id", DatasetId::parse)?;
    let fingerprint = row.try_get("fingerprint")?;
    Ok(dataset(state, &id).await?.map(|dataset| (fingerprint, dataset)))
}

pub(super) async fn dataset(
    state: &mut Connection,
    id: &DatasetId,
) -> Result<Option<Dataset>, sqlx::Error> {
    let rows = rows_of(state, std::slice::from_ref(id)).await?;
    let found = complete(state, &rows, usize::MAX).await?;
    Ok(found.into_iter().next().map(|listed| listed.dataset))
}

/// The datasets of these rows with their classes and splits, in the rows' order; none behind the one (the second or a later one)
/// with which they weigh more than so much together.
pub(super) async fn complete(
    state: &mut Connection,
    rows: &[Row],
    heaviest: usize,
) -> Result<Vec<Listed>, sqlx::Error> {
    let (mut complete, mut weight) = (Vec::with_capacity(rows.len()), 0);
    for rows in rows.chunks(AT_ONCE) {
        let mut found = rows.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
        add_classes(state, &mut found).await?;
        add_splits(state, &mut found).await?;
        for next in found {
            weight += next.dataset.weight();
            complete.push(next);
            if weight > heaviest && complete.len() > 1 {
                return Ok(complete);
            }
        }
    }
    Ok(complete)
}

async fn rows_of(state: &mut Connection, ids: &[DatasetId]) -> Result<Vec<Row>, sqlx::Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM datasets WHERE dataset_id IN ({})", places(1, ids.len()));
    let query = sqlx::query(AssertSqlSafe(sql));
    ids.iter().fold(query, |query, id| query.bind(id.as_str())).fetch_all(state).await
}

async fn add_classes(state: &mut Connection, found: &mut [Listed]) -> Result<(), sqlx::Error> {
    let sql = format!(
        "SELECT dataset, name, item_count FROM classes WHERE dataset IN ({}) ORDER BY dataset, name",
        places(1, found.len())
    );
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = found.iter().fold(query, |query, listed| query.bind(listed.number));
    for row in query.fetch_all(state).await? {
        if let Some(dataset) = of_row(found, &row)? {
            dataset.classes.push(class(&row)?);
        }
    }
    Ok(())
}

async fn add_splits(state: &mut Connection, found: &mut [Listed]) -> Result<(), sqlx::Error> {
    let sql = format!(
        "SELECT dataset, split, item_count FROM split_counts WHERE dataset IN ({})",
        places(1, found.len())
    );
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = found.iter().fold(query, |query, listed| query.bind(listed.number));
    for row in query.fetch_all(state).await? {
        if let Some(dataset) = of_row(found, &row)? {
            let split = known(&row, "split", Split::from_stored)?;
            dataset.splits.push((split, from_stored(row.try_get("item_count")?)));
        }
    }
    for listed in found {
        listed.dataset.splits.sort_unstable();
    }
    Ok(())
}

fn of_row<'a>(found: &'a mut [Listed], row: &Row) -> Result<Option<&'a mut Dataset>, sqlx::Error> {
    let number: i64 = row.try_get("dataset")?;
    let found = found.iter_mut().find(|listed| listed.number == number);
    Ok(found.map(|listed| &mut listed.dataset))
}

/// `$1, $2, …`: places for so many values, the first with this number.
pub(super) fn places(first: usize, values: usize) -> String {
    let places: Vec<_> = (first..first + values).map(|value| format!("${value}")).collect();
    places.join(", ")
}

fn listed(row: &Row) -> Result<Listed, sqlx::Error> {
    let dataset = Dataset {
        id: known(row, "dataset_id", DatasetId::parse)?,
        display_name: row.try_get("display_name")?,
        format: known(row, "format", Format::from_stored)?,
        owner: row.try_get("owner")?,
        visibility: known(row, "visibility", Visibility::from_stored)?,
        classes: Vec::new(),
        item_count: from_stored(row.try_get("item_count")?),
        size_bytes: from_stored(row.try_get("size_bytes")?),
        etag: row.try_get("etag")?,
        created: UnixTime::from_secs(from_stored(row.try_get("created")?)),
        updated: UnixTime::from_secs(from_stored(row.try_get("updated")?)),
        description: row.try_get("description")?,
        splits: Vec::new(),
        file_count: from_stored(row.try_get("file_count")?),
    };
    Ok(Listed { number: row.try_get("number")?, dataset })
}

fn class(row: &Row) -> Result<Class, sqlx::Error> {
    Ok(Class { name: row.try_get("name")?, item_count: from_stored(row.try_get("item_count")?) })
}

pub(super) fn file(row: &Row) -> Result<FileRow, sqlx::Error> {
    let stored = StoredFile {
        number: from_stored(row.try_get("stored_as")?),
        size: from_stored(row.try_get("size_bytes")?),
        sha256: sha256_of(row)?,
    };
    Ok(FileRow { path: row.try_get("path")?, stored })
}

/// The SHA-256 of a row's file.
pub(super) fn sha256_of(row: &Row) -> Result<[u8; 32], sqlx::Error> {
    let sha256 = <[u8; 32]>::try_from(row.try_get::<&[u8], _>("sha256")?);
    sha256.map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A column whose text must be one that this crate writes.
pub(super) fn known<T>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    parse(text)
        .ok_or_else(|| sqlx::Error::Decode(format!("{column} holds an unknown value").into()))
}
