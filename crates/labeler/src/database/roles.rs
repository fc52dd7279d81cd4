//! Who is what in a dataset, a snapshot, an upload: one query each, whether there is such an object or not.

use hallpass_store::{Connection, Row};
use hallpass_token::UnixTime;
use sqlx::Row as _;

use super::read::known;
use super::{Database, to_stored};
use crate::model::access::{Kind, Role, Visibility};
use crate::model::ids::{DatasetId, SnapshotId, UploadId};

/// An object whose id has the form that Labeler gives its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// A dataset.
    Dataset(DatasetId),
    /// A snapshot.
    Snapshot(SnapshotId),
    /// An upload.
    Upload(UploadId),
}

impl Object {
    /// The object that an id names; `None` if Labeler cannot have made it.
    pub(crate) fn parse(kind: Kind, id: &str) -> Option<Self> {
        match kind {
            Kind::Dataset => DatasetId::parse(id).map(Self::Dataset),
            Kind::Snapshot => SnapshotId::parse(id).map(Self::Snapshot),
            Kind::Upload => UploadId::parse(id).map(Self::Upload),
        }
    }
}

/// What a subject ($2) may be in a dataset, as three columns.
macro_rules! part {
    () => {
        "datasets.visibility AS visibility, CASE WHEN datasets.owner = $2 THEN 1 ELSE 0 END AS own, \
         (SELECT role FROM shares WHERE shares.dataset = datasets.number AND shares.subject = $2) AS shared"
    };
}

const IN_DATASET: &str = concat!("SELECT ", part!(), " FROM datasets WHERE dataset_id = $1");

const IN_SNAPSHOT: &str = concat!(
    "SELECT ",
    part!(),
    " FROM snapshots JOIN datasets ON datasets.number = snapshots.dataset WHERE snapshot_id = $1"
);

/// An upload is its owner's alone. One that changes a dataset is so only as long as the owner may write there.
const IN_UPLOAD: &str = concat!(
    "SELECT uploads.revision AS revision, ",
    part!(),
    " FROM uploads LEFT JOIN datasets ON datasets.dataset_id = uploads.dataset_id \
     WHERE upload_id = $1 AND uploads.owner = $2 AND uploads.expires > $3"
);

impl Database {
    /// What the subject may be in an object; `None` if nothing, or if there is none.
    pub(crate) async fn role(
        &self,
        object: &Object,
        subject: &str,
        now: UnixTime,
    ) -> Result<Option<Role>, sqlx::Error> {
        let mut connection = self.store.read().await?;
        match object {
            Object::Dataset(id) => role_in_dataset(&mut connection, id, subject).await,
            Object::Snapshot(id) => {
                let row = sqlx::query(IN_SNAPSHOT).bind(id.as_str()).bind(subject);
                let row = row.fetch_optional(&mut *connection).await?;
                row.as_ref().map_or(Ok(None), held)
            }
            Object::Upload(id) => {
                let row = sqlx::query(IN_UPLOAD).bind(id.as_str()).bind(subject);
                let row = row.bind(to_stored(now.as_secs())).fetch_optional(&mut *connection);
                row.await?.as_ref().map_or(Ok(None), role_in_upload)
            }
        }
    }

    /// Whether there is such an object.
    pub(crate) async fn has(&self, object: &Object) -> Result<bool, sqlx::Error> {
        let query = match object {
            Object::Dataset(id) => {
                sqlx::query("SELECT 1 FROM datasets WHERE dataset_id = $1").bind(id.as_str())
            }
            Object::Snapshot(id) => {
                sqlx::query("SELECT 1 FROM snapshots WHERE snapshot_id = $1").bind(id.as_str())
            }
            Object::Upload(id) => {
                sqlx::query("SELECT 1 FROM uploads WHERE upload_id = $1").bind(id.as_str())
            }
        };
        Ok(query.fetch_optional(&mut *self.store.read().await?).await?.is_some())
    }
}

/// What the subject may be in a dataset, in the state that the connection sees.
pub(super) async fn role_in_dataset(
    connection: &mut Connection,
    id: &DatasetId,
    subject: &str,
) -> Result<Option<Role>, sqlx::Error> {
    let row = sqlx::query(IN_DATASET).bind(id.as_str()).bind(subject);
    let row = row.fetch_optional(connection).await?;
    row.as_ref().map_or(Ok(None), held)
}

fn held(row: &Row) -> Result<Option<Role>, sqlx::Error> {
    let visibility = known(row, "visibility", Visibility::from_stored)?;
    if row.try_get::<i64, _>("own")? == 1 {
        return Ok(Some(Role::Owner));
    }
    let shared: Option<String> = row.try_get("shared")?;
    let own = shared.map(|_| known(row, "shared", Role::from_stored)).transpose()?;
    Ok(visibility.raise(own))
}

fn role_in_upload(row: &Row) -> Result<Option<Role>, sqlx::Error> {
    if row.try_get::<i64, _>("revision")? == 0 {
        return Ok(Some(Role::Owner));
    }
    let dataset: Option<String> = row.try_get("visibility")?;
    let writes = match dataset {
        Some(_) => held(row)?.is_some_and(|role| Kind::Dataset.permits(role, "write")),
        None => false,
    };
    Ok(writes.then_some(Role::Owner))
}
