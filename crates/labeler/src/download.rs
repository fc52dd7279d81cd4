//! Sends a dataset's files as they were uploaded.
//!
//! Invariant: a stream that ends without an error has sent every byte, and each whole file had its SHA-256.

use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use tokio_stream::Stream;

use crate::database::{Database, FileRow};
use crate::error::Error;
use crate::file_path::shown;
use crate::files::Files;
use crate::ids::DatasetId;
use crate::intake::Piece;
use crate::spec::digest;

/// The most bytes of one piece.
const PIECE: u64 = 256 << 10;
/// So many files are looked up at a time.
const FILES_AT_ONCE: u32 = 500;

/// A download that is about to begin.
#[derive(Debug)]
pub(crate) struct Download {
    database: Database,
    files: Files,
    id: DatasetId,
    waiting: VecDeque<FileRow>,
    current: Option<Current>,
    /// The path behind which files are still to be looked up; `None` where no more are wanted.
    behind: Option<String>,
}

struct Current {
    row: FileRow,
    offset: u64,
    /// `None` where the file is not sent from its beginning.
    hash: Option<Context>,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current")
            .field("row", &self.row)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Download {
    /// All files, in the order of their paths.
    pub(crate) const fn of_all(database: Database, files: Files, id: DatasetId) -> Self {
        let behind = Some(String::new());
        Self { database, files, id, waiting: VecDeque::new(), current: None, behind }
    }

    /// One file from a byte on.
    pub(crate) fn of_one(
        database: Database,
        files: Files,
        id: DatasetId,
        row: FileRow,
        offset: u64,
    ) -> Result<Self, Error> {
        if offset > row.stored.size {
            return Err(Error::OffsetPastEnd { size: row.stored.size });
        }
        let hash = (offset == 0).then(|| Context::new(&SHA256));
        let current = Some(Current { row, offset, hash });
        Ok(Self { database, files, id, waiting: VecDeque::new(), current, behind: None })
    }

    /// The pieces. An empty file is one piece without bytes.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Piece, Error>> + Send + 'static {
        try_unfold(self, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        })
    }

    async fn next(&mut self) -> Result<Option<Piece>, Error> {
        if self.current.is_none() {
            self.current = self.next_file().await?;
        }
        let Some(mut current) = self.current.take() else { return Ok(None) };
        let piece = self.read(&mut current).await?;
        if current.offset < current.row.stored.size {
            self.current = Some(current);
        } else if current.hash.is_some_and(|hash| digest(hash) != current.row.stored.sha256) {
            return Err(damaged(&self.id, &piece.path, "its content has changed"));
        }
        Ok(Some(piece))
    }

    async fn next_file(&mut self) -> Result<Option<Current>, Error> {
        if self.waiting.is_empty()
            && let Some(behind) = self.behind.take()
        {
            let rows = self.database.files_behind(&self.id, &behind, FILES_AT_ONCE).await?;
            self.behind = rows.last().map(|row| row.path.clone());
            self.waiting = rows.into();
            // No more files: at the end, or because there is no dataset any more.
            if self.waiting.is_empty() && !self.database.exists(&self.id).await? {
                return Err(Error::GoneMidway);
            }
        }
        let row = self.waiting.pop_front();
        Ok(row.map(|row| Current { row, offset: 0, hash: Some(Context::new(&SHA256)) }))
    }

    async fn read(&self, current: &mut Current) -> Result<Piece, Error> {
        let Current { row, offset, hash } = current;
        let end = row.stored.size.min(offset.saturating_add(PIECE));
        let data = match *offset..end {
            nothing if nothing.is_empty() => Bytes::new(),
            range => self.read_range(row, range).await?,
        };
        if let Some(hash) = hash {
            hash.update(&data);
        }
        *offset = end;
        Ok(Piece { path: row.path.clone(), data })
    }

    async fn read_range(&self, row: &FileRow, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        let wanted = range.end - range.start;
        match self.files.read(&self.id, row.stored.number, range).await? {
            Some(data) if data.len() as u64 == wanted => Ok(data),
            Some(_) => Err(damaged(&self.id, &row.path, "it is too short")),
            None if self.database.exists(&self.id).await? => {
                Err(damaged(&self.id, &row.path, "it is missing"))
            }
            None => Err(Error::GoneMidway),
        }
    }
}

fn damaged(id: &DatasetId, path: &str, problem: &'static str) -> Error {
    Error::Damaged { dataset_id: id.to_string(), path: shown(path), problem }
}
