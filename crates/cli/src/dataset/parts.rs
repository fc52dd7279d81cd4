//! The messages of an upload: what the dataset is to be, then every file in pieces.
//!
//! Invariant: the stream ends only after the last piece of the last file. When a file cannot be read it stops for ever, so that
//! the service never takes a part for the whole; the failure goes its own way, and the caller drops the call.

use std::vec::IntoIter;

use futures_util::{Stream, stream};
use hallpass_contract::labeler::FileChunk;
use hallpass_contract::labeler::create_dataset_request::Part;
use hallpass_contract::labeler::{CreateDatasetRequest, CreateDatasetStart};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::sync::oneshot;

use super::folder::{LocalFile, at};
use crate::failure::Failure;

/// The most bytes of one piece.
const PIECE: usize = 256 * 1024;

/// Told of each file that begins: its place, and its path.
pub(super) type Progress = Box<dyn FnMut(usize, &str) + Send>;

/// The messages, in order. A failure to read goes to `failed`.
pub(super) fn parts(
    start: CreateDatasetStart,
    files: Vec<LocalFile>,
    failed: oneshot::Sender<Failure>,
    progress: Progress,
) -> impl Stream<Item = CreateDatasetRequest> + Send + 'static {
    let reader =
        Reader { start: Some(start), files: files.into_iter(), open: None, begun: 0, progress };
    stream::unfold((reader, Some(failed)), async |(mut reader, mut failed)| {
        match reader.next().await {
            Ok(None) => None,
            Ok(Some(part)) => Some((CreateDatasetRequest { part: Some(part) }, (reader, failed))),
            Err(failure) => {
                // Nobody listens any more only when the call is over.
                let _ = failed.take().map(|failed| failed.send(failure));
                std::future::pending().await
            }
        }
    })
}

struct Reader {
    start: Option<CreateDatasetStart>,
    files: IntoIter<LocalFile>,
    open: Option<Open>,
    begun: usize,
    progress: Progress,
}

/// The file that is being read, and whether a piece of it was sent.
struct Open {
    local: LocalFile,
    file: File,
    sent: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Part>, Failure> {
        if let Some(start) = self.start.take() {
            return Ok(Some(Part::Start(start)));
        }
        loop {
            if self.open.is_none() && !self.begin().await? {
                return Ok(None);
            }
            let Some(open) = &mut self.open else { continue };
            let data = open.piece().await?;
            // An empty file is one piece without bytes.
            if data.is_empty() && open.sent {
                self.open = None;
                continue;
            }
            open.sent = true;
            return Ok(Some(Part::Chunk(FileChunk {
                path: open.local.path.clone(),
                data: data.into(),
            })));
        }
    }

    /// Opens the next file. False if there is none.
    async fn begin(&mut self) -> Result<bool, Failure> {
        let Some(local) = self.files.next() else { return Ok(false) };
        self.begun += 1;
        (self.progress)(self.begun, &local.path);
        let file = File::open(&local.source).await.map_err(|error| at(&local.source, &error))?;
        self.open = Some(Open { local, file, sent: false });
        Ok(true)
    }
}

impl Open {
    /// The next bytes, as many as a piece holds; none at the end.
    async fn piece(&mut self) -> Result<Vec<u8>, Failure> {
        let mut data = Vec::new();
        let read = (&mut self.file).take(PIECE as u64).read_to_end(&mut data).await;
        read.map_err(|error| at(&self.local.source, &error))?;
        Ok(data)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    fn local(folder: &tempfile::TempDir, path: &str, content: Option<&[u8]>) -> LocalFile {
        let source = folder.path().join(path);
        if let Some(content) = content {
            std::fs::write(&source, content).unwrap();
        }
        LocalFile { path: path.to_owned(), source }
    }

    fn chunk(request: CreateDatasetRequest) -> (String, usize) {
        match request.part.unwrap() {
            Part::Chunk(chunk) => (chunk.path, chunk.data.len()),
            Part::Start(_) => panic!("a second start"),
        }
    }

    #[tokio::test]
    async fn files_come_in_pieces_and_empty_ones_too() {
        let folder = tempfile::tempdir().unwrap();
        let files = vec![
            local(&folder, "a", Some(&vec![7; PIECE + 1])),
            local(&folder, "b", Some(b"")),
            local(&folder, "c", Some(&vec![7; PIECE])),
        ];
        let (failed, failure) = oneshot::channel();
        let sent: Vec<_> = parts(CreateDatasetStart::default(), files, failed, Box::new(|_, _| ()))
            .collect()
            .await;
        assert!(matches!(sent[0].part, Some(Part::Start(_))));
        let chunks: Vec<_> = sent.into_iter().skip(1).map(chunk).collect();
        let right = [("a", PIECE), ("a", 1), ("b", 0), ("c", PIECE)];
        assert_eq!(chunks, right.map(|(path, length)| (path.to_owned(), length)));
        assert!(failure.await.is_err(), "nothing failed");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_stops_the_stream_without_ending_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = vec![local(&folder, "a", Some(b"x")), local(&folder, "gone", None)];
        let (failed, failure) = oneshot::channel();
        let sent = parts(CreateDatasetStart::default(), files, failed, Box::new(|_, _| ()));
        let mut sent = pin!(sent);
        assert!(sent.next().await.is_some());
        assert_eq!(chunk(sent.next().await.unwrap()), ("a".to_owned(), 1));
        let failure = tokio::select! {
            _ = sent.next() => panic!("the stream went on or ended"),
            failure = failure => failure.unwrap(),
        };
        assert!(failure.to_string().contains("gone: "), "{failure}");
        assert!(sent.next().now_or_never().is_none(), "it never ends");
    }
}
