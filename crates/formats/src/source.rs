//! Where the bytes of annotation files come from, and what becomes of an error on the way.
//!
//! Invariant: a fault of the place where a file is kept is never told as a fault of the file, nor the other way round.

use std::fmt;
use std::io::{self, Read};

use crate::shape::File;
use crate::{FilePath, Problem, Refusal};

/// Opens a file.
type Open<'s> = dyn FnMut(&FilePath) -> io::Result<Box<dyn Read + 's>> + 's;

/// Opens annotation files.
pub(crate) struct Source<'s> {
    open: Box<Open<'s>>,
    most_bytes: u64,
}

impl<'s> Source<'s> {
    pub(crate) fn new(
        open: impl FnMut(&FilePath) -> io::Result<Box<dyn Read + 's>> + 's,
        most_bytes: u64,
    ) -> Self {
        Self { open: Box::new(open), most_bytes }
    }

    /// Opens a file, unless it is too big for an annotation.
    pub(crate) fn open(&mut self, file: &File) -> Result<Box<dyn Read + 's>, Refusal> {
        self.open_up_to(file, self.most_bytes)
    }

    /// Opens a file, unless it has more bytes than so many.
    pub(crate) fn open_up_to(
        &mut self,
        file: &File,
        most: u64,
    ) -> Result<Box<dyn Read + 's>, Refusal> {
        let most = most.min(self.most_bytes);
        if file.size > most {
            let text =
                format!("is too big for an annotation: {} bytes; {most} are allowed", file.size);
            return Err(Problem::of(&file.path, text).into());
        }
        (self.open)(&file.path).map_err(|error| unreadable(&file.path, error))
    }
}

/// What is wrong with a file's bytes, on its way through `io::Error`.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) line: u64,
    pub(crate) text: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// Tells the two kinds of error apart.
pub(crate) fn unreadable(path: &FilePath, error: io::Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Malformed>()) {
        Some(Malformed { line, text }) => Problem::at(path, *line, text.clone()).into(),
        None => Refusal::Unreadable { path: path.clone(), error },
    }
}

/// What is said of bytes that are no text.
pub(crate) const NOT_UTF8: &str = "is not UTF-8; save the file as UTF-8";

/// The byte order mark of UTF-8, which some programs put before a text.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";
