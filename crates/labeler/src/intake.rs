//! Takes an upload in, piece by piece: each file is checked, hashed and stored while its bytes pass by.
//!
//! Promise: memory does not grow with the size of a file, and a refusal names the file and what is wrong with it. Small files are
//! written while the next ones come, a few at a time.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::file_path::{FilePath, shown};
use crate::files::{Files, failed};
use crate::ids::DatasetId;
use crate::images::{ImageCheck, ImageKind};
use crate::inventory::{Content, Inventory, Place, StoredFile};
use crate::settings::{MAX_PIECE, Settings};
use crate::spec::digest;

/// A piece of a file. The pieces of one file follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The file's path, as the client sent it.
    pub(crate) path: String,
    /// The next bytes.
    pub(crate) data: Bytes,
}

/// So many whole files may be on their way to the store at a time.
const WRITES_AT_ONCE: usize = 4;

/// An upload that is coming in.
pub(crate) struct Intake {
    files: Files,
    id: DatasetId,
    inventory: Inventory,
    open: Option<OpenFile>,
    writing: JoinSet<Result<(FilePath, StoredFile), Error>>,
}

/// The file whose pieces are coming.
struct OpenFile {
    path: FilePath,
    number: u32,
    writer: BufWriter,
    size: u64,
    hash: Context,
    check: Option<ImageCheck>,
}

impl Intake {
    pub(crate) fn new(files: Files, id: DatasetId, settings: Settings) -> Self {
        let inventory = Inventory::new(settings);
        Self { files, id, inventory, open: None, writing: JoinSet::new() }
    }

    /// Takes the next piece.
    pub(crate) async fn take(&mut self, piece: Piece) -> Result<(), Error> {
        if piece.data.len() > MAX_PIECE {
            return Err(Error::invalid("chunk.data", "must have at most 1 MiB"));
        }
        let mut file = match self.open.take() {
            Some(file) if file.path.as_str() == piece.path => file,
            before => {
                self.close(before).await?;
                self.begin(&piece.path)?
            }
        };
        let more = piece.data.len() as u64;
        file.size += more;
        self.inventory.count(&file.path, file.size, more)?;
        file.write(piece.data).await?;
        self.open = Some(file);
        Ok(())
    }

    /// After the last piece.
    pub(crate) async fn finish(&mut self) -> Result<Content, Error> {
        let last = self.open.take();
        self.close(last).await?;
        while self.written().await? {}
        let content = std::mem::take(&mut self.inventory).finish()?;
        self.files.sync().await?;
        Ok(content)
    }

    /// Returns once nothing is being written any more, whatever became of it.
    pub(crate) async fn come_to_rest(mut self) {
        while self.writing.join_next().await.is_some() {}
    }

    fn begin(&mut self, text: &str) -> Result<OpenFile, Error> {
        let path = FilePath::parse(text).map_err(|problem| refused(text, problem.to_string()))?;
        let number = self.inventory.begin(&path)?;
        let check = match Place::of(&path)? {
            Place::Item { .. } => Some(image_check(&path)?),
            Place::Extra => None,
        };
        let writer = self.files.writer(&self.id, number);
        Ok(OpenFile { path, number, writer, size: 0, hash: Context::new(&SHA256), check })
    }

    async fn close(&mut self, file: Option<OpenFile>) -> Result<(), Error> {
        let Some(mut file) = file else { return Ok(()) };
        if let Some(check) = file.check.take() {
            check.finish().map_err(|flaw| refused(file.path.as_str(), flaw.to_string()))?;
        }
        if self.writing.len() >= WRITES_AT_ONCE {
            self.written().await?;
        }
        let stored = StoredFile { number: file.number, size: file.size, sha256: digest(file.hash) };
        self.writing.spawn(async move {
            file.writer.shutdown().await.map_err(|error| failed("writing", &error))?;
            Ok((file.path, stored))
        });
        Ok(())
    }

    /// Waits for a file that is being written; `false` if there is none.
    async fn written(&mut self) -> Result<bool, Error> {
        let Some(written) = self.writing.join_next().await else { return Ok(false) };
        let (path, stored) = written.unwrap_or(Err(Error::TaskLost))?;
        self.inventory.stored(&path, stored);
        Ok(true)
    }
}

impl OpenFile {
    async fn write(&mut self, data: Bytes) -> Result<(), Error> {
        self.hash.update(&data);
        if let Some(check) = &mut self.check {
            check.feed(&data).map_err(|flaw| refused(self.path.as_str(), flaw.to_string()))?;
        }
        self.writer.put(data).await.map_err(|error| failed("writing", &error))
    }
}

fn image_check(path: &FilePath) -> Result<ImageCheck, Error> {
    let kind = path.extension().and_then(ImageKind::of_extension);
    let kind = kind.ok_or_else(|| {
        let problem = "is not named as an image (png, jpg, gif, bmp or webp)";
        refused(path.as_str(), problem.to_owned())
    })?;
    Ok(ImageCheck::new(kind))
}

fn refused(path: &str, problem: String) -> Error {
    Error::FileRefused { path: shown(path), problem }
}
