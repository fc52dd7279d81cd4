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

/// What is said of a file that begins so, where a text belongs; `None` if it may be one.
pub(crate) fn no_text(head: &[u8]) -> Option<&'static str> {
    const TOLD: [(&[u8], &str); 9] = [
        (b"\xFF\xFE", "is UTF-16; save the file as UTF-8"),
        (b"\xFE\xFF", "is UTF-16; save the file as UTF-8"),
        (b"<!doctype", "is a web page, perhaps of a download that failed: fetch the file again"),
        (b"<html", "is a web page, perhaps of a download that failed: fetch the file again"),
        (b"version https://git-lfs", "is a pointer of Git LFS, not the file: run `git lfs pull`"),
        (b"\0\0\0\0", "holds only zero bytes: copy it again"),
        (b"PK\x03\x04", "is an archive or a spreadsheet: unpack it, or save it as text"),
        (b"\x1F\x8B", "is compressed: unpack it"),
        (b"%PDF", "is a PDF document: write what it says as text"),
    ];
    let begins =
        |start: &[u8]| head.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    TOLD.iter().find(|(start, _)| begins(start)).map(|(_, told)| *told)
}

/// What is said of bytes that are no text.
pub(crate) const NOT_UTF8: &str = "is not UTF-8; save the file as UTF-8";

/// The byte order mark of UTF-8, which some programs put before a text.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";
