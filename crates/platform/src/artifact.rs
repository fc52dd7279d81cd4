//! Downloads of what jobs have made.
//!
//! Invariant: a piece is read when it is asked for, so a reader that is slow holds one reading of the store in memory.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use hallpass_contract::labeler::{FileChunk, FileInfo};
use hallpass_contract::platform::{DownloadArtifactRequest, DownloadArtifactResponse};
use hallpass_jobs::{ArtifactFile, Artifacts};

use crate::error::Error;

/// The most bytes of one piece.
const PIECE: usize = 64 << 10;
/// So much of a path is told.
const SHOWN: usize = 200;

/// What is still to be sent.
pub(crate) struct Download {
    store: Artifacts,
    job_id: String,
    files: Arc<[ArtifactFile]>,
    /// The file that is being sent, by its place in the list.
    at: usize,
    /// The first that is not wanted.
    end: usize,
    offset: u64,
    /// What was read behind the offset.
    ahead: Bytes,
    is_begun: bool,
}

impl Download {
    /// From the place that the request names.
    pub(crate) async fn begin(
        store: Artifacts,
        job_id: &str,
        request: &DownloadArtifactRequest,
    ) -> Result<Self, Error> {
        let DownloadArtifactRequest { path, offset, onwards, .. } = request;
        let wrong = |field| Err(Error::Invalid { field, problem: "needs a path" });
        if path.is_empty() && *offset > 0 {
            return wrong("offset");
        }
        if path.is_empty() && *onwards {
            return wrong("onwards");
        }
        let files: Arc<[_]> = store.files(job_id).await?.into();
        let job_id = job_id.to_owned();
        let all = Self {
            end: files.len(),
            store,
            job_id,
            files,
            at: 0,
            offset: *offset,
            ahead: Bytes::new(),
            is_begun: false,
        };
        if path.is_empty() {
            return Ok(all);
        }
        let Some(at) = all.files.iter().position(|file| file.path == *path) else {
            return Err(Error::NoSuchFile { path: path.chars().take(SHOWN).collect() });
        };
        let size = all.files[at].size_bytes;
        if *offset > size {
            return Err(Error::OffsetPastEnd { size });
        }
        let end = if *onwards { all.end } else { at + 1 };
        Ok(Self { at, end, ..all })
    }

    /// The pieces.
    pub(crate) fn stream(
        self,
    ) -> impl Stream<Item = Result<DownloadArtifactResponse, Error>> + Send {
        stream::try_unfold(self, async |mut left| Ok(left.next().await?.map(|piece| (piece, left))))
    }

    async fn next(&mut self) -> Result<Option<DownloadArtifactResponse>, Error> {
        if self.at >= self.end {
            return Ok(None);
        }
        let file = &self.files[self.at];
        if self.ahead.is_empty() {
            let end = file.size_bytes.min(self.offset + self.store.read_at_once());
            self.ahead = self.store.read(&self.job_id, &file.path, self.offset..end).await?;
        }
        let data = self.ahead.split_to(self.ahead.len().min(PIECE));
        let end = self.offset + data.len() as u64;
        let info = FileInfo {
            path: file.path.clone(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.to_vec().into(),
        };
        let chunk = FileChunk { path: file.path.clone(), data };
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        self.offset = end;
        if end == file.size_bytes {
            (self.at, self.offset, self.is_begun) = (self.at + 1, 0, false);
        }
        Ok(Some(DownloadArtifactResponse { chunk: Some(chunk), file: is_first.then_some(info) }))
    }
}
