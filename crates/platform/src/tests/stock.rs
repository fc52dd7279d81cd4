//! Files that the fake Labeler sends, one byte a piece, each when the test says so.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::{StreamExt, stream};
use hallpass_contract::labeler::{
    DownloadDatasetRequest, DownloadDatasetResponse, FileChunk, FileInfo,
};
use hallpass_policy::adapter::Reply;
use tokio::sync::Semaphore;
use tonic::Status;

/// A path, and what is there.
pub(super) type Files = Vec<(&'static str, &'static str)>;

#[derive(Debug)]
pub(super) struct Stock {
    files: Mutex<Option<Files>>,
    /// The place that each request named.
    asked: Mutex<Vec<(String, u64)>>,
    /// How many more pieces may go.
    may_go: Arc<Semaphore>,
}

impl Default for Stock {
    fn default() -> Self {
        let may_go = Arc::new(Semaphore::new(0));
        Self { files: Mutex::default(), asked: Mutex::default(), may_go }
    }
}

impl Stock {
    /// From now on these are the files.
    pub(super) fn hold(&self, files: Files) {
        *self.files.lock().unwrap() = Some(files);
    }

    /// Lets so many pieces go.
    pub(super) fn let_go(&self, pieces: usize) {
        self.may_go.add_permits(pieces);
    }

    /// How many files there are, and their bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        let files = self.files.lock().unwrap().clone().unwrap_or_default();
        (files.len() as u64, files.iter().map(|(_, content)| content.len() as u64).sum())
    }

    /// The places that requests have named.
    pub(super) fn asked(&self) -> Vec<(String, u64)> {
        self.asked.lock().unwrap().clone()
    }

    /// The pieces from the place on that a request names, if there is a stock.
    pub(super) fn send(
        &self,
        request: &DownloadDatasetRequest,
    ) -> Option<Reply<DownloadDatasetResponse, Status>> {
        let files = self.files.lock().unwrap().clone()?;
        self.asked.lock().unwrap().push((request.path.clone(), request.offset));
        let all = request.path.is_empty() || request.onwards;
        let wanted = files.into_iter().filter(|(path, _)| {
            if all { *path >= request.path.as_str() } else { *path == request.path }
        });
        let pieces: Vec<_> = wanted
            .flat_map(|(path, content)| {
                let from = if path == request.path { request.offset } else { 0 };
                pieces(path, content, usize::try_from(from).unwrap())
            })
            .collect();
        let may_go = Arc::clone(&self.may_go);
        Some(Box::pin(stream::iter(pieces).then(move |piece| {
            let may_go = Arc::clone(&may_go);
            async move {
                may_go.acquire().await.unwrap().forget();
                Ok(piece)
            }
        })))
    }
}

/// One piece for each byte, and one without bytes where none is left.
fn pieces(path: &str, content: &str, from: usize) -> Vec<DownloadDatasetResponse> {
    let sha256 = digest(&SHA256, content.as_bytes()).as_ref().to_vec().into();
    let size_bytes = content.len() as u64;
    let info = FileInfo { path: path.to_owned(), size_bytes, sha256 };
    let left = &content.as_bytes()[from..];
    let bytes = left.chunks(1).chain(left.is_empty().then_some(left));
    bytes
        .enumerate()
        .map(|(number, data)| DownloadDatasetResponse {
            chunk: Some(FileChunk { path: path.to_owned(), data: data.to_vec().into() }),
            file: (number == 0).then(|| info.clone()),
        })
        .collect()
}
