//! Where a download's files come from: a dataset as it is, or a snapshot.
//!
//! Invariant: a file that is not there is damage only if a row names it still; else somebody has taken it away rightly.

use crate::database::{Database, FileRow, Object};
use crate::error::Error;
use crate::model::access::Kind;
use crate::model::ids::{DatasetId, SnapshotId};
use hallpass_formats::shown;

/// What is downloaded.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A dataset's files, as they are while they are sent.
    Dataset(DatasetId),
    /// A snapshot's files. They lie with those of its dataset.
    Snapshot(SnapshotId, DatasetId),
}

impl Source {
    /// The dataset beneath whose name the files lie.
    pub(super) const fn dataset(&self) -> &DatasetId {
        match self {
            Self::Dataset(id) | Self::Snapshot(_, id) => id,
        }
    }

    /// The files behind a path.
    pub(super) async fn files(
        &self,
        database: &Database,
        behind: &str,
        most: u32,
    ) -> Result<Vec<FileRow>, sqlx::Error> {
        match self {
            Self::Dataset(id) => database.files_behind(id, behind, most).await,
            Self::Snapshot(id, _) => {
                let files = database.snapshot_files(id, behind, most).await?;
                Ok(files.into_iter().map(|file| file.row).collect())
            }
        }
    }

    /// One file.
    pub(super) async fn file(
        &self,
        database: &Database,
        path: &str,
    ) -> Result<Option<FileRow>, sqlx::Error> {
        match self {
            Self::Dataset(id) => database.file(id, path).await,
            Self::Snapshot(id, _) => {
                Ok(database.snapshot_file(id, path).await?.map(|file| file.row))
            }
        }
    }

    /// Whether it is still there.
    pub(super) async fn exists(&self, database: &Database) -> Result<bool, sqlx::Error> {
        match self {
            Self::Dataset(id) => database.exists(id).await,
            Self::Snapshot(id, _) => database.has(&Object::Snapshot(id.clone())).await,
        }
    }

    /// It was deleted while its files were being sent.
    pub(super) const fn gone(&self) -> Error {
        Error::GoneMidway(match self {
            Self::Dataset(_) => Kind::Dataset,
            Self::Snapshot(..) => Kind::Snapshot,
        })
    }

    /// What it means that a file's bytes are not there.
    pub(super) async fn missing(&self, database: &Database, row: &FileRow) -> Result<Error, Error> {
        if !self.exists(database).await? {
            return Ok(self.gone());
        }
        match self.file(database, &row.path).await? {
            Some(named) if named.stored.number == row.stored.number => {
                Ok(self.damaged(&row.path, "it is missing"))
            }
            _ => Ok(Error::ChangedMidway),
        }
    }

    /// A file is not what was uploaded.
    pub(super) fn damaged(&self, path: &str, problem: &'static str) -> Error {
        Error::Damaged { dataset_id: self.dataset().to_string(), path: shown(path), problem }
    }
}
