//! Reads stored files for those who block while they read.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::runtime::Handle;

use crate::files::Files;
use crate::model::ids::DatasetId;
use crate::model::stored_file::StoredFile;

/// So many bytes are read at a time.
const PIECE: u64 = 1 << 20;

/// The files of one dataset. Made inside the runtime, used outside of its workers.
#[derive(Debug)]
pub(crate) struct ReadBack {
    files: Files,
    id: DatasetId,
    runtime: Handle,
}

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct OpenFile<'a> {
    of: &'a ReadBack,
    file: StoredFile,
    at: u64,
    ready: Bytes,
}

impl ReadBack {
    /// The files of this dataset.
    pub(crate) fn new(files: Files, id: DatasetId) -> Self {
        Self { files, id, runtime: Handle::current() }
    }

    /// One of them, from its beginning.
    pub(crate) fn file(&self, file: StoredFile) -> OpenFile<'_> {
        OpenFile { of: self, file, at: 0, ready: Bytes::new() }
    }
}

impl Read for OpenFile<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && self.at < self.file.size {
            let end = self.file.size.min(self.at + PIECE);
            let ReadBack { files, id, runtime } = self.of;
            let read = runtime.block_on(files.read(id, self.file.number, self.at..end));
            let read = read.map_err(|error| io::Error::other(error.to_string()))?;
            self.ready =
                read.filter(|data| data.len() as u64 == end - self.at).ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the stored file is missing or too short",
                    )
                })?;
            self.at = end;
        }
        let some = into.len().min(self.ready.len());
        self.ready.copy_to_slice(&mut into[..some]);
        Ok(some)
    }
}
