//! Takes an upload in, piece by piece: each file is checked, hashed and stored while its bytes pass by.
//!
//! Promise: memory does not grow with the size of a file, and a refusal names the file and what is wrong with it.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use object_store::buffered::BufWriter;
use tokio::io::AsyncWriteExt;

use crate::error::Error;
use crate::file_path::{FilePath, shown};
use crate::files::{Files, failed};
use crate::ids::DatasetId;
use crate::images::{Flaw, ImageCheck, ImageKind};
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

/// An upload that is coming in.
pub(crate) struct Intake {
    files: Files,
    id: DatasetId,
    inventory: Inventory,
    open: Option<OpenFile>,
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
        Self { files, id, inventory: Inventory::new(settings), open: None }
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
    pub(crate) async fn finish(mut self) -> Result<Content, Error> {
        let last = self.open.take();
        self.close(last).await?;
        let content = self.inventory.finish()?;
        self.files.sync().await?;
        Ok(content)
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
        if let Some(check) = file.check {
            check.finish().map_err(|flaw| refused(file.path.as_str(), flaw.0))?;
        }
        file.writer.shutdown().await.map_err(|error| failed("writing", &error))?;
        let stored = StoredFile { number: file.number, size: file.size, sha256: digest(file.hash) };
        self.inventory.stored(&file.path, stored);
        Ok(())
    }
}

impl OpenFile {
    async fn write(&mut self, data: Bytes) -> Result<(), Error> {
        self.hash.update(&data);
        if let Some(check) = &mut self.check {
            check.feed(&data).map_err(|Flaw(flaw)| refused(self.path.as_str(), flaw))?;
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
