//! Looks things up.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::{Database, from_stored};
use crate::access::{Role, Visibility};
use crate::dataset::{Class, Dataset, Format};
use crate::ids::{DatasetId, RequestId};
use crate::inventory::StoredFile;

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

/// The datasets for which this holds.
macro_rules! datasets_where {
    ($condition:literal) => {
        concat!(
            "SELECT number, dataset_id, display_name, format, owner, visibility, item_count, size_bytes, etag, created, updated ",
            "FROM datasets WHERE ",
            $condition
        )
    };
}

/// Each arm uses an index and reads no more than the page needs.
const VISIBLE: &str = datasets_where!(
    "number IN (SELECT number FROM ( \
       SELECT number FROM (SELECT number FROM datasets WHERE owner = $1 AND number < $2 ORDER BY number DESC LIMIT $3) AS own \
       UNION SELECT number FROM \
         (SELECT number FROM datasets WHERE visibility = 'public' AND number < $2 ORDER BY number DESC LIMIT $3) AS public \
       UNION SELECT dataset FROM (SELECT dataset FROM shares WHERE subject = $1 AND dataset < $2 ORDER BY dataset DESC LIMIT $3) \
         AS shared \
     ) AS seen ORDER BY number DESC LIMIT $3) ORDER BY number DESC"
);

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
        for id in ids {
            let Some(dataset) = dataset(&mut state, id).await? else {
                return Ok(Several::Absent(id.clone()));
            };
            weight += dataset.weight();
            if weight > heaviest {
                return Ok(Several::TooHeavy);
            }
            found.push(dataset);
        }
        Ok(Several::All(found))
    }

    /// The newest datasets below `before` that the subject may read: at most so many, and none behind the one (the second or a later
    /// one) with which they weigh more than so much together.
    pub(crate) async fn visible(
        &self,
        subject: &str,
        before: i64,
        most: u32,
        heaviest: usize,
    ) -> Result<Vec<Listed>, sqlx::Error> {
        let mut state = self.store.reading().await?;
        let query = sqlx::query(VISIBLE).bind(subject).bind(before).bind(i64::from(most));
        let (mut listed, mut weight) = (Vec::new(), 0);
        for row in query.fetch_all(&mut *state).await? {
            let next = with_classes(&mut state, &row).await?;
            weight += next.dataset.weight();
            listed.push(next);
            if weight > heaviest && listed.len() > 1 {
                break;
            }
        }
        Ok(listed)
    }

    /// What the subject may be in a dataset; `None` if nothing, or if there is none.
    pub(crate) async fn role(
        &self,
        id: &DatasetId,
        subject: &str,
    ) -> Result<Option<Role>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT visibility, CASE WHEN owner = $2 THEN 1 ELSE 0 END AS own, \
             (SELECT role FROM shares WHERE dataset = number AND subject = $2) AS shared \
             FROM datasets WHERE dataset_id = $1",
        )
        .bind(id.as_str())
        .bind(subject)
        .fetch_optional(self.store.pool())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let visibility = known(&row, "visibility", Visibility::from_stored)?;
        if row.try_get::<i64, _>("own")? == 1 {
            return Ok(Some(Role::Owner));
        }
        let shared: Option<String> = row.try_get("shared")?;
        let own = shared.map(|_| known(&row, "shared", Role::from_stored)).transpose()?;
        Ok(visibility.raise(own))
    }

    /// Whether there is such a dataset.
    pub(crate) async fn exists(&self, id: &DatasetId) -> Result<bool, sqlx::Error> {
        let row = sqlx::query("SELECT 1 FROM datasets WHERE dataset_id = $1").bind(id.as_str());
        Ok(row.fetch_optional(self.store.pool()).await?.is_some())
    }

    /// Whether the files of this id belong to a dataset, or to one that is being uploaded.
    pub(crate) async fn holds(&self, id: &DatasetId) -> Result<bool, sqlx::Error> {
        let row = sqlx::query(
            "SELECT 1 FROM datasets WHERE dataset_id = $1 UNION ALL SELECT 1 FROM uploads WHERE dataset_id = $1",
        );
        Ok(row.bind(id.as_str()).fetch_optional(self.store.pool()).await?.is_some())
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
            .fetch_all(self.store.pool())
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
        let row = row.bind(id.as_str()).bind(path).fetch_optional(self.store.pool()).await?;
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

async fn dataset(state: &mut Connection, id: &DatasetId) -> Result<Option<Dataset>, sqlx::Error> {
    let query = sqlx::query(datasets_where!("dataset_id = $1")).bind(id.as_str());
    let row = query.fetch_optional(&mut *state).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(with_classes(state, &row).await?.dataset))
}

async fn with_classes(state: &mut Connection, row: &Row) -> Result<Listed, sqlx::Error> {
    let number: i64 = row.try_get("number")?;
    let classes =
        sqlx::query("SELECT name, item_count FROM classes WHERE dataset = $1 ORDER BY name");
    let classes = classes.bind(number).fetch_all(state).await?;
    let classes = classes.iter().map(class).collect::<Result<_, _>>()?;
    let dataset = Dataset {
        id: known(row, "dataset_id", DatasetId::parse)?,
        display_name: row.try_get("display_name")?,
        format: known(row, "format", Format::from_stored)?,
        owner: row.try_get("owner")?,
        visibility: known(row, "visibility", Visibility::from_stored)?,
        classes,
        item_count: from_stored(row.try_get("item_count")?),
        size_bytes: from_stored(row.try_get("size_bytes")?),
        etag: row.try_get("etag")?,
        created: UnixTime::from_secs(from_stored(row.try_get("created")?)),
        updated: UnixTime::from_secs(from_stored(row.try_get("updated")?)),
    };
    Ok(Listed { number, dataset })
}

fn class(row: &Row) -> Result<Class, sqlx::Error> {
    Ok(Class { name: row.try_get("name")?, item_count: from_stored(row.try_get("item_count")?) })
}

fn file(row: &Row) -> Result<FileRow, sqlx::Error> {
    let sha256 = <[u8; 32]>::try_from(row.try_get::<&[u8], _>("sha256")?);
    let number = u32::try_from(row.try_get::<i64, _>("stored_as")?);
    let stored = StoredFile {
        number: number.map_err(|error| sqlx::Error::Decode(error.into()))?,
        size: from_stored(row.try_get("size_bytes")?),
        sha256: sha256.map_err(|error| sqlx::Error::Decode(error.into()))?,
    };
    Ok(FileRow { path: row.try_get("path")?, stored })
}

/// A column whose text must be one that this crate writes.
fn known<T>(
    row: &Row,
    column: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    parse(text)
        .ok_or_else(|| sqlx::Error::Decode(format!("{column} holds an unknown value").into()))
}
