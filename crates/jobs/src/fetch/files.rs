//! A download that goes on where it broke off.

use std::path::{Component, Path, PathBuf};
use std::pin::Pin;

use aws_lc_rs::digest::{Context, SHA256};
use futures_util::{Stream, StreamExt as _};
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::{
    DownloadDatasetRequest, DownloadSnapshotRequest, FileChunk, FileInfo,
};
use hallpass_guard::Background;
use hallpass_store::Space;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tonic::Status;

use crate::engine::{Engine, Task};
use crate::failure::Failure;
use crate::peer::Peer;
use crate::said::Saying;

type Pieces =
    Pin<Box<dyn Stream<Item = Result<(Option<FileChunk>, Option<FileInfo>), Status>> + Send>>;

/// The files that have come so far.
pub(super) struct Files {
    folder: PathBuf,
    expected: u64,
    bytes: u64,
    count: u64,
    current: Option<Current>,
    space: Space,
}

struct Current {
    path: String,
    file: File,
    hash: Context,
    length: u64,
    info: Option<FileInfo>,
}

impl Files {
    /// Into this folder, so many bytes.
    pub(super) const fn new(folder: PathBuf, expected: u64, space: Space) -> Self {
        Self { folder, expected, bytes: 0, count: 0, current: None, space }
    }

    /// Fetches all and tells how many there are. A stream that breaks after it has brought something is begun anew where it broke.
    pub(super) async fn fetch<S: Peer>(
        mut self,
        engine: &Engine<S>,
        task: &Task,
        work: &Background,
        saying: &Saying,
    ) -> Result<u64, Failure> {
        loop {
            let before = self.bytes;
            let mut pieces = self.open(engine, task, work).await.map_err(|s| Failure::of(&s))?;
            loop {
                match pieces.next().await {
                    Some(Ok((chunk, info))) => self.take(chunk, info, saying).await?,
                    Some(Err(status)) if self.bytes == before => return Err(Failure::of(&status)),
                    Some(Err(_)) => break,
                    None => {
                        self.end().await?;
                        return Ok(self.count);
                    }
                }
            }
        }
    }

    async fn open<S: Peer>(
        &self,
        engine: &Engine<S>,
        task: &Task,
        work: &Background,
    ) -> Result<Pieces, Status> {
        let at = self.current.as_ref().map(|current| (current.path.clone(), current.length));
        let onwards = at.is_some();
        let (path, offset) = at.unwrap_or_default();
        if task.snapshot_id.is_empty() {
            let dataset_id = task.dataset_id.clone();
            let request = DownloadDatasetRequest { dataset_id, path, offset, onwards };
            let mut client = DatasetServiceClient::new(engine.labeler.clone());
            let pieces = client.download_dataset(work.request(request)).await?.into_inner();
            return Ok(Box::pin(pieces.map(|piece| piece.map(|piece| (piece.chunk, piece.file)))));
        }
        let snapshot_id = task.snapshot_id.clone();
        let request = DownloadSnapshotRequest { snapshot_id, path, offset, onwards };
        let mut client = SnapshotServiceClient::new(engine.labeler.clone());
        let pieces = client.download_snapshot(work.request(request)).await?.into_inner();
        Ok(Box::pin(pieces.map(|piece| piece.map(|piece| (piece.chunk, piece.file)))))
    }

    async fn take(
        &mut self,
        chunk: Option<FileChunk>,
        info: Option<FileInfo>,
        saying: &Saying,
    ) -> Result<(), Failure> {
        let Some(chunk) = chunk else { return Ok(()) };
        if self.current.as_ref().is_none_or(|current| current.path != chunk.path) {
            self.end().await?;
            self.begin(&chunk.path).await?;
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        current.info = current.info.take().or(info);
        let _taken = self.space.take(chunk.data.len() as u64).map_err(Failure::no_space)?;
        current.file.write_all(&chunk.data).await.map_err(local)?;
        current.hash.update(&chunk.data);
        current.length += chunk.data.len() as u64;
        self.bytes += chunk.data.len() as u64;
        saying.progress(share(self.bytes, self.expected), None).await;
        Ok(())
    }

    async fn begin(&mut self, path: &str) -> Result<(), Failure> {
        let place = self.folder.join(inside(path)?);
        if let Some(parent) = place.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(local)?;
        }
        let file = File::create(place).await.map_err(local)?;
        let hash = Context::new(&SHA256);
        self.current = Some(Current { path: path.to_owned(), file, hash, length: 0, info: None });
        Ok(())
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let Some(mut done) = self.current.take() else { return Ok(()) };
        done.file.flush().await.map_err(local)?;
        let right = done.info.is_none_or(|info| {
            info.size_bytes == done.length && *info.sha256 == *done.hash.finish().as_ref()
        });
        if !right {
            let said = format!("{} came with other bytes than it has", done.path);
            return Err(Failure::passing("DATASET_INCOMPLETE", said));
        }
        self.count += 1;
        Ok(())
    }
}

/// The path, if it leads nowhere but into the folder.
fn inside(path: &str) -> Result<&Path, Failure> {
    let path = Path::new(path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && path.components().next().is_some() {
        return Ok(path);
    }
    let said = format!("{} is no path of a file", path.display());
    Err(Failure::lasting("DATASET_UNUSABLE", said))
}

#[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
fn share(of: u64, all: u64) -> f64 {
    of as f64 / all.max(1) as f64
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn local(error: std::io::Error) -> Failure {
    Failure::local("a fetched file", &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert!(inside("cat/1.png").is_ok());
        for path in ["", "/etc/passwd", "../x", "a/../../x", "."] {
            assert!(inside(path).is_err(), "{path}");
        }
    }
}
