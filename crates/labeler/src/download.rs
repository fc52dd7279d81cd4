//! Sends the files of a dataset or of a snapshot as they were uploaded.
//!
//! Invariant: a stream that ends without an error has sent every byte, and each whole file had its SHA-256. Memory holds one reading
//! of the store and one look-up of files, however much is sent.

use std::collections::VecDeque;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use tokio_stream::Stream;

use crate::database::{Database, FileRow};
use crate::error::Error;
use crate::files::Files;
use crate::model::spec::digest;
use hallpass_formats::{FilePath, shown};

pub(crate) mod fetch;
pub(crate) mod handlers;
pub(crate) mod signature;
mod source;
pub(crate) mod urls;

pub(crate) use source::Source;

/// The most bytes of one piece.
const PIECE: usize = 64 << 10;
/// So many files are looked up at a time: a client that stops reading keeps them in memory.
const FILES_AT_ONCE: u32 = 100;

/// A piece of a file.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The file's path.
    pub(crate) path: String,
    /// The next bytes.
    pub(crate) data: Bytes,
    /// With the first piece: how many bytes the whole file has, and their SHA-256.
    pub(crate) file: Option<(u64, [u8; 32])>,
}

/// What a client wants to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All files.
    All,
    /// One from a byte on, and those behind it if it says so.
    From {
        /// The file's path.
        path: String,
        /// The byte.
        offset: u64,
        /// Whether to go on with the files behind it.
        onwards: bool,
    },
}

impl Wanted {
    /// Checks a request's fields.
    pub(crate) fn parse(path: String, offset: u64, onwards: bool) -> Result<Self, Error> {
        match (path.as_str(), offset, onwards) {
            ("", 0, false) => Ok(Self::All),
            ("", 0, true) => Err(Error::invalid("onwards", "needs a path")),
            ("", ..) => Err(Error::invalid("offset", "needs a path")),
            _ => Ok(Self::From { path, offset, onwards }),
        }
    }
}

/// A download that is about to begin.
#[derive(Debug)]
pub(crate) struct Download {
    database: Database,
    files: Files,
    source: Source,
    waiting: VecDeque<FileRow>,
    current: Option<Current>,
    /// The path behind which files are still to be looked up; `None` where no more are wanted.
    behind: Option<String>,
}

struct Current {
    row: FileRow,
    /// Where the next piece begins.
    offset: u64,
    /// What was read behind it.
    ahead: Bytes,
    is_new: bool,
    /// `None` where the file is not sent from its beginning.
    hash: Option<Context>,
}

impl Current {
    fn new(row: FileRow, offset: u64) -> Self {
        let hash = (offset == 0).then(|| Context::new(&SHA256));
        Self { row, offset, ahead: Bytes::new(), is_new: true, hash }
    }
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
    /// The files that are wanted, in the order of their paths. Fails if the first one is not there.
    pub(crate) async fn begin(
        database: Database,
        files: Files,
        source: Source,
        wanted: Wanted,
    ) -> Result<Self, Error> {
        let (current, behind) = match wanted {
            Wanted::All => (None, Some(String::new())),
            Wanted::From { path, offset, onwards } => {
                let row = one(&database, &source, &path).await?;
                if offset > row.stored.size {
                    return Err(Error::OffsetPastEnd { size: row.stored.size });
                }
                (Some(Current::new(row, offset)), onwards.then_some(path))
            }
        };
        Ok(Self { database, files, source, waiting: VecDeque::new(), current, behind })
    }

    /// The pieces. An empty file is one piece without bytes.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Sent, Error>> + Send + 'static {
        try_unfold(self, |mut download| async move {
            Ok(download.next().await?.map(|piece| (piece, download)))
        })
    }

    async fn next(&mut self) -> Result<Option<Sent>, Error> {
        if self.current.is_none() {
            self.current = self.next_file().await?;
        }
        let Some(mut current) = self.current.take() else { return Ok(None) };
        let piece = self.read(&mut current).await?;
        if current.offset < current.row.stored.size {
            self.current = Some(current);
        } else if current.hash.is_some_and(|hash| digest(hash) != current.row.stored.sha256) {
            return Err(self.source.damaged(&piece.path, "its content has changed"));
        }
        Ok(Some(piece))
    }

    async fn next_file(&mut self) -> Result<Option<Current>, Error> {
        if self.waiting.is_empty()
            && let Some(behind) = self.behind.take()
        {
            let rows = self.source.files(&self.database, &behind, FILES_AT_ONCE).await?;
            self.behind = rows.last().map(|row| row.path.clone());
            self.waiting = rows.into();
            // No more files: at the end, or because there is nothing any more.
            if self.waiting.is_empty() && !self.source.exists(&self.database).await? {
                return Err(self.source.gone());
            }
        }
        Ok(self.waiting.pop_front().map(|row| Current::new(row, 0)))
    }

    async fn read(&self, current: &mut Current) -> Result<Sent, Error> {
        let Current { row, offset, ahead, is_new, hash } = current;
        let end = row.stored.size.min(offset.saturating_add(self.files.read_at_once()));
        if ahead.is_empty() && *offset < end {
            *ahead = self.read_range(row, *offset..end).await?;
        }
        let data = ahead.split_to(ahead.len().min(PIECE));
        if let Some(hash) = hash {
            hash.update(&data);
        }
        *offset += data.len() as u64;
        let file = std::mem::take(is_new).then_some((row.stored.size, row.stored.sha256));
        Ok(Sent { path: row.path.clone(), data, file })
    }

    async fn read_range(&self, row: &FileRow, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        let wanted = range.end - range.start;
        match self.files.read(self.source.dataset(), row.stored.number, range).await? {
            Some(data) if data.len() as u64 == wanted => Ok(data),
            Some(_) => Err(self.source.damaged(&row.path, "it is too short")),
            None => Err(self.source.missing(&self.database, row).await?),
        }
    }
}

/// A file that is there.
pub(crate) async fn one(
    database: &Database,
    source: &Source,
    path: &str,
) -> Result<FileRow, Error> {
    let row = match FilePath::parse(path) {
        Ok(path) => source.file(database, path.as_str()).await?,
        Err(_) => None,
    };
    match row {
        Some(row) => Ok(row),
        None if source.exists(database).await? => Err(Error::NoSuchFile { path: shown(path) }),
        None => Err(source.gone()),
    }
}
