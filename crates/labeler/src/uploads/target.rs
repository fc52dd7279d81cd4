//! Where the files of a stream go: into one upload.
//!
//! Invariant: a file has one writer at a time. In this process a claim says so at once; between processes the database refuses a
//! part that does not follow the one before it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use hallpass_formats::{Bounds, FileKind, Shape};
use hallpass_token::UnixTime;
use tokio::io::AsyncWriteExt;

use crate::Now;
use crate::database::{Batch, Database, Limits, Part, Step};
use crate::error::Error;
use crate::files::{Files, failed};
use crate::model::ids::DatasetId;
use crate::model::spec::digest;
use crate::settings::{MAX_PATH_BYTES, Settings};
use crate::uploads::memory::UploadMemory;
use crate::uploads::partial_file::Incoming;
use hallpass_formats::{FilePath, shown};

/// So many bytes are read back at a time.
const PIECE: u64 = 1 << 20;

/// An upload, as those see it who write into it.
pub(crate) struct Receiver {
    pub(crate) database: Database,
    pub(crate) files: Files,
    pub(crate) settings: Arc<Settings>,
    pub(crate) now: Now,
    pub(crate) claims: Claims,
    pub(crate) memory: Arc<UploadMemory>,
    /// Whose upload it is.
    pub(crate) owner: String,
    /// The upload's number.
    pub(crate) upload: i64,
    pub(crate) dataset_id: DatasetId,
    /// The names that have come, where all of them come in one stream.
    pub(crate) names: Option<Shape>,
}

/// The files that are being written: upload and path.
pub(crate) type Claims = Arc<Mutex<HashSet<(i64, String)>>>;

/// The right to write a file. Dropped, it is free again.
pub(crate) struct Claim {
    claims: Claims,
    file: (i64, String),
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.file);
    }
}

/// The bounds of one dataset, as the checks of formats take them.
pub(crate) fn bounds(settings: &Settings) -> Bounds {
    Bounds {
        max_files: settings.max_files,
        max_path_bytes: MAX_PATH_BYTES,
        max_classes: settings.max_classes,
        ..Bounds::default()
    }
}

impl Receiver {
    /// What a file is by its name, if a dataset can have it.
    pub(crate) fn kind(&self, path: &FilePath) -> Result<FileKind, Error> {
        Shape::new(bounds(&self.settings))
            .begin(path)
            .map_err(|problem| refused(path, problem.text))
    }

    /// The same for a file of a stream that has all names.
    pub(crate) fn begin(&mut self, path: &FilePath) -> Result<FileKind, Error> {
        match &mut self.names {
            Some(names) => names.begin(path).map_err(|problem| refused(path, problem.text)),
            None => self.kind(path),
        }
    }

    /// Whether a file may have so many bytes.
    pub(crate) fn check_size(&self, path: &FilePath, size: u64) -> Result<(), Error> {
        let most = self.settings.max_file_bytes;
        if size > most {
            return Err(refused(path, format!("is too big; {most} bytes are allowed")));
        }
        Ok(())
    }

    /// The right to write a file, unless somebody has it.
    pub(crate) fn claim(&self, path: &FilePath) -> Option<Claim> {
        let file = (self.upload, path.as_str().to_owned());
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = claims.insert(file.clone());
        is_free.then(|| Claim { claims: Arc::clone(&self.claims), file })
    }

    /// A block of numbers for objects.
    pub(crate) async fn numbers(&self) -> Result<u64, Error> {
        self.files.have_room()?;
        self.database.numbers(self.upload).await
    }

    /// Records what lies in the store; says which objects have become needless.
    pub(crate) async fn record(&self, steps: &[Step]) -> Result<Vec<u64>, Error> {
        let (now, settings) = ((self.now)(), &self.settings);
        let lifetime = settings.upload_lifetime.as_secs();
        let limits = Limits {
            files: settings.max_files as u64,
            bytes: settings.max_dataset_bytes,
            path_bytes: MAX_PATH_BYTES as u64,
            open_bytes: settings.max_open_bytes,
        };
        let expires = UnixTime::from_secs(now.as_secs().saturating_add(lifetime));
        let batch = Batch { upload: self.upload, steps, expires, now, limits };
        self.database.record(&batch).await
    }

    /// Removes objects that nobody needs. Those that stay go when the upload ends.
    pub(crate) async fn remove(&self, numbers: Vec<u64>) {
        for number in numbers {
            if let Err(error) = self.files.remove_file(&self.dataset_id, number).await {
                tracing::warn!(dataset_id = %self.dataset_id, number, %error, "a needless object stays until its upload ends");
            }
        }
    }

    /// Goes on with a file where it broke off: reads back what there is. `false` if the file is whole already.
    pub(crate) async fn resume(&self, file: &mut Incoming, offset: u64) -> Result<bool, Error> {
        let path = shown(file.path.as_str());
        let found = self.database.received(self.upload, file.path.as_str()).await?;
        let (row, parts) =
            found.ok_or_else(|| Error::OffsetMismatch { path: path.clone(), received: 0 })?;
        let announced = file.announced.map_or(0, |announced| announced.size);
        if announced != row.size {
            let problem = format!(
                "was begun with {} bytes and goes on with {announced}; right: the same, or offset 0 to write it anew",
                row.size
            );
            return Err(refused(&file.path, problem));
        }
        if row.received != offset {
            return Err(Error::OffsetMismatch { path, received: row.received });
        }
        if let Some(sha256) = row.sha256 {
            let wanted = file.announced.and_then(|announced| announced.sha256);
            return match wanted {
                Some(wanted) if wanted != sha256 => Err(Error::HashMismatch { path }),
                _ => Ok(false),
            };
        }
        for part in parts {
            let mut at = 0;
            while at < part.size {
                let data = self.read(&file.path, part, at).await?;
                file.check(&data)?;
                at += data.len() as u64;
            }
            file.parts.push(part);
        }
        Ok(true)
    }

    /// Makes one object of a file's parts and its buffer, which together have this hash.
    pub(crate) async fn put_together(
        &self,
        file: &mut Incoming,
        number: u64,
        sha256: [u8; 32],
    ) -> Result<(), Error> {
        let _taken = self.files.room_for(file.received)?;
        let mut writer = self.files.writer(&self.dataset_id, number);
        let copied = self.copy(file, &mut writer).await.and_then(|hash| {
            let path = shown(file.path.as_str());
            let problem = "a part of it is not what was written";
            let dataset_id = self.dataset_id.to_string();
            if hash == sha256 { Ok(()) } else { Err(Error::Damaged { dataset_id, path, problem }) }
        });
        if let Err(error) = copied {
            // What it has left goes with the upload.
            let _ = writer.abort().await;
            return Err(error);
        }
        writer.shutdown().await.map_err(|error| failed("writing", &error))
    }

    async fn copy(
        &self,
        file: &mut Incoming,
        writer: &mut object_store::buffered::BufWriter,
    ) -> Result<[u8; 32], Error> {
        let mut hash = Context::new(&SHA256);
        for part in &file.parts {
            let mut at = 0;
            while at < part.size {
                let data = self.read(&file.path, *part, at).await?;
                at += data.len() as u64;
                hash.update(&data);
                self.files.have_room()?;
                writer.put(data).await.map_err(|error| failed("writing", &error))?;
            }
        }
        let rest = std::mem::take(&mut file.buffer).freeze();
        hash.update(&rest);
        writer.put(rest).await.map_err(|error| failed("writing", &error))?;
        Ok(digest(hash))
    }

    async fn read(&self, path: &FilePath, part: Part, at: u64) -> Result<Bytes, Error> {
        let end = part.size.min(at + PIECE);
        match self.files.read(&self.dataset_id, part.number, at..end).await? {
            Some(data) if data.len() as u64 == end - at => Ok(data),
            _ => Err(Error::Damaged {
                dataset_id: self.dataset_id.to_string(),
                path: shown(path.as_str()),
                problem: "a part of it is missing or too short",
            }),
        }
    }
}

fn refused(path: &FilePath, problem: String) -> Error {
    Error::FileRefused { path: shown(path.as_str()), problem }
}
