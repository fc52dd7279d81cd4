//! The messages of one `WriteFiles` call: which upload, then files with their bytes.
//!
//! Invariant: the stream ends only behind the last byte of a file. When a file cannot be read it stops for ever, so that the service
//! never takes a part for the whole; the failure goes its own way, and the caller drops the call.

use std::vec::IntoIter;

use futures_util::{Stream, stream};
use hallpass_contract::labeler::write_files_request::Part;
use hallpass_contract::labeler::{FileStart, WriteFilesRequest, WriteStart};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};
use tokio::sync::{mpsc, oneshot};

use crate::dataset::folder::{Hashed, at};
use crate::failure::Failure;

/// The most bytes of one piece.
const PIECE: u64 = 256 * 1024;

/// A file to send, from a byte on.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The file.
    pub(super) file: Hashed,
    /// The first byte that the service lacks.
    pub(super) offset: u64,
}

/// What the one who sends tells of how far it is.
#[derive(Debug)]
pub(super) enum Step {
    /// A file begins.
    Begun(String),
    /// So many bytes are on their way.
    Sent(u64),
    /// The file's last byte is on its way.
    Ended,
}

/// The messages, in order. A failure to read goes to `failed`.
pub(super) fn parts(
    upload_id: String,
    files: Vec<Wanted>,
    failed: oneshot::Sender<Failure>,
    steps: mpsc::UnboundedSender<Step>,
) -> impl Stream<Item = WriteFilesRequest> + Send + 'static {
    let start = Some(WriteStart { upload_id });
    let reader = Reader { start, files: files.into_iter(), open: None, steps };
    stream::unfold((reader, Some(failed)), async |(mut reader, mut failed)| {
        match reader.next().await {
            Ok(None) => None,
            Ok(Some(part)) => Some((WriteFilesRequest { part: Some(part) }, (reader, failed))),
            Err(failure) => {
                // Nobody listens any more only when the call is over.
                let _ = failed.take().map(|failed| failed.send(failure));
                std::future::pending().await
            }
        }
    })
}

struct Reader {
    start: Option<WriteStart>,
    files: IntoIter<Wanted>,
    open: Option<Open>,
    steps: mpsc::UnboundedSender<Step>,
}

/// The file that is being read, and how much of it is still to come.
struct Open {
    wanted: Wanted,
    file: File,
    left: u64,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Part>, Failure> {
        if let Some(start) = self.start.take() {
            return Ok(Some(Part::Start(start)));
        }
        loop {
            let Some(open) = &mut self.open else { return self.begin().await };
            if open.left > 0 {
                let data = open.piece().await?;
                self.tell(Step::Sent(data.len() as u64));
                return Ok(Some(Part::Data(data.into())));
            }
            self.open = None;
            self.tell(Step::Ended);
        }
    }

    /// Opens the next file, if there is one.
    async fn begin(&mut self) -> Result<Option<Part>, Failure> {
        let Some(wanted) = self.files.next() else { return Ok(None) };
        let (source, file) = (&wanted.file.source, &wanted.file);
        let mut opened = File::open(source).await.map_err(|error| at(source, &error))?;
        opened.seek(SeekFrom::Start(wanted.offset)).await.map_err(|error| at(source, &error))?;
        let part = Part::File(FileStart {
            path: file.path.clone(),
            size_bytes: file.size,
            sha256: file.sha256.to_vec().into(),
            offset: wanted.offset,
        });
        self.tell(Step::Begun(file.path.clone()));
        let left = file.size - wanted.offset;
        self.open = Some(Open { wanted, file: opened, left });
        Ok(Some(part))
    }

    fn tell(&self, step: Step) {
        // Whoever made the call may have gone already.
        let _ = self.steps.send(step);
    }
}

impl Open {
    /// The next bytes, as many as a piece holds.
    async fn piece(&mut self) -> Result<Vec<u8>, Failure> {
        let source = &self.wanted.file.source;
        let mut data = Vec::new();
        let read = (&mut self.file).take(PIECE.min(self.left)).read_to_end(&mut data).await;
        read.map_err(|error| at(source, &error))?;
        if data.is_empty() {
            return Err(at(source, &"it has become shorter; right: import it once it is at rest"));
        }
        self.left -= data.len() as u64;
        Ok(data)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    fn wanted(folder: &tempfile::TempDir, path: &str, size: u64, offset: u64) -> Wanted {
        let source = folder.path().join(path);
        let file = Hashed { path: path.to_owned(), source, size, sha256: [7; 32] };
        Wanted { file, offset }
    }

    fn channels()
    -> (oneshot::Sender<Failure>, oneshot::Receiver<Failure>, mpsc::UnboundedSender<Step>) {
        let (failed, failure) = oneshot::channel();
        (failed, failure, mpsc::unbounded_channel().0)
    }

    #[tokio::test]
    async fn files_come_in_pieces_from_where_they_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        for (path, size) in [("a", PIECE + 1), ("b", 0), ("c", 10)] {
            std::fs::write(folder.path().join(path), vec![1; usize::try_from(size).unwrap()])
                .unwrap();
        }
        let files = vec![
            wanted(&folder, "a", PIECE + 1, 0),
            wanted(&folder, "b", 0, 0),
            wanted(&folder, "c", 10, 7),
        ];
        let (failed, _failure, steps) = channels();
        let sent: Vec<_> = parts("up_1".to_owned(), files, failed, steps).collect().await;
        let told = sent.into_iter().map(|request| match request.part.unwrap() {
            Part::Start(start) => format!("upload {}", start.upload_id),
            Part::File(file) => format!("{} {} from {}", file.path, file.size_bytes, file.offset),
            Part::Data(data) => data.len().to_string(),
        });
        let whole = PIECE.to_string();
        let right =
            ["upload up_1", "a 262145 from 0", &whole, "1", "b 0 from 0", "c 10 from 7", "3"];
        assert_eq!(told.collect::<Vec<_>>(), right);
    }

    #[tokio::test]
    async fn a_file_that_is_shorter_than_it_was_stops_the_stream_without_ending_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "x").unwrap();
        let (failed, failure, steps) = channels();
        let files = vec![wanted(&folder, "a", 2, 0)];
        let mut sent = pin!(parts("up_1".to_owned(), files, failed, steps));
        for _ in ["start", "file", "one byte"] {
            assert!(sent.next().await.is_some());
        }
        let failure = tokio::select! {
            _ = sent.next() => panic!("the stream went on or ended"),
            failure = failure => failure.unwrap(),
        };
        assert!(failure.to_string().contains("a: it has become shorter"), "{failure}");
        assert!(sent.next().now_or_never().is_none(), "it never ends");
    }
}
