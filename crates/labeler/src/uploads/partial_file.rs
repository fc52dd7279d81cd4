//! One file that is coming in.
//!
//! Invariant: `received` bytes have passed the checks and the hash: those of the parts, then those of the buffer.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::BytesMut;
use hallpass_formats::{FileKind, ImageCheck};

use crate::database::{Part, Step};
use crate::error::Error;
use crate::model::spec::digest;
use crate::uploads::memory::Held;
use crate::uploads::target::Claim;
use hallpass_formats::{FilePath, shown};

/// A file up to this size is one object, and a bigger one comes in parts of it. (S3 wants parts of 5 MiB at least.)
pub(crate) const PART: usize = 8 << 20;

/// What a client says of a file before its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announced {
    /// How many bytes it has.
    pub(crate) size: u64,
    /// Its SHA-256, if that is to be checked.
    pub(crate) sha256: Option<[u8; 32]>,
}

/// The file whose bytes are coming.
pub(crate) struct Incoming {
    pub(crate) path: FilePath,
    /// `None` where the end of the file is where another one begins.
    pub(crate) announced: Option<Announced>,
    pub(crate) received: u64,
    /// What is in the store, or on its way there.
    pub(crate) parts: Vec<Part>,
    /// What is not.
    pub(crate) buffer: BytesMut,
    /// The memory of the buffer.
    pub(crate) held: Option<Held>,
    pub(crate) claim: Claim,
    checks: Checks,
}

/// What is looked at while bytes pass by.
pub(crate) struct Checks {
    hash: Context,
    image: Option<ImageCheck>,
}

impl Checks {
    /// The checks of a file of this kind.
    pub(crate) fn new(kind: FileKind) -> Self {
        let image = match kind {
            FileKind::Image(kind) => Some(ImageCheck::new(kind)),
            FileKind::Annotation | FileKind::Other => None,
        };
        Self { hash: Context::new(&SHA256), image }
    }
}

impl Incoming {
    /// Nothing has come yet.
    pub(crate) fn new(
        path: FilePath,
        announced: Option<Announced>,
        checks: Checks,
        claim: Claim,
    ) -> Self {
        let (parts, buffer) = (Vec::new(), BytesMut::new());
        Self { path, announced, received: 0, parts, buffer, held: None, claim, checks }
    }

    /// Looks at the next bytes.
    pub(crate) fn check(&mut self, data: &[u8]) -> Result<(), Error> {
        self.received += data.len() as u64;
        if let Some(Announced { size, .. }) = self.announced
            && self.received > size
        {
            return Err(self.refused(format!("has more than the {size} bytes that were announced")));
        }
        self.checks.hash.update(data);
        let fed = self.checks.image.as_mut().map_or(Ok(()), |image| image.feed(data));
        fed.map_err(|flaw| self.refused(flaw.to_string()))
    }

    /// Whether all bytes have come that were announced.
    pub(crate) fn is_whole(&self) -> bool {
        self.announced.is_some_and(|announced| announced.size == self.received)
    }

    /// After the last byte: the SHA-256.
    pub(crate) fn finish(&mut self) -> Result<[u8; 32], Error> {
        if let Some(image) = self.checks.image.take() {
            image.finish().map_err(|flaw| self.refused(flaw.to_string()))?;
        }
        let hash = std::mem::replace(&mut self.checks.hash, Context::new(&SHA256));
        let sha256 = digest(hash);
        match self.announced.and_then(|announced| announced.sha256) {
            Some(wanted) if wanted != sha256 => {
                Err(Error::HashMismatch { path: shown(self.path.as_str()) })
            }
            _ => Ok(sha256),
        }
    }

    /// What is to be recorded of a part.
    pub(crate) fn step(
        &self,
        part: Part,
        behind: Option<u64>,
        sha256: Option<[u8; 32]>,
        replaces: bool,
    ) -> Step {
        let size = self.announced.map_or(self.received, |announced| announced.size);
        let before: u64 = self.parts.iter().map(|part| part.size).sum();
        let received = if replaces { part.size } else { before + part.size };
        Step { path: self.path.as_str().to_owned(), size, received, sha256, behind, replaces, part }
    }

    /// Another file begins although this one is not whole.
    pub(crate) fn unfinished(&self) -> Error {
        let size = self.announced.map_or(0, |announced| announced.size);
        self.refused(format!("has {} of {size} bytes, and another file begins", self.received))
    }

    fn refused(&self, problem: String) -> Error {
        Error::FileRefused { path: shown(self.path.as_str()), problem }
    }
}
