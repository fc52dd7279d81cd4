//! The rows of a CSV file.
//!
//! Promise: one row is in memory at a time, and none is longer than the bound, even if a quote is left open.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::columns::Columns;
use crate::bounds::LONGEST_TEXT;
use crate::shape::File;
use crate::source::{MARK, Malformed, NOT_UTF8, Source, unreadable};
use crate::{FilePath, Problem, Refusal};

/// A row.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) line: u64,
    pub(super) image: &'a str,
    pub(super) label: &'a str,
    pub(super) split: Option<&'a str>,
}

/// Reads rows, one after the other.
pub(super) struct Rows<'s> {
    path: FilePath,
    reader: csv::Reader<Metered<Box<dyn Read + 's>>>,
    meter: Rc<Meter>,
    record: StringRecord,
    columns: Columns,
}

impl<'s> Rows<'s> {
    /// Reads the header.
    pub(super) fn open(file: &File, source: &mut Source<'s>) -> Result<Self, Refusal> {
        let path = file.path.clone();
        let mut reader = BufReader::new(source.open(file)?);
        let delimiter = begin(&mut reader).map_err(|error| unreadable(&path, error))?;
        let meter = Rc::new(Meter::default());
        meter.restart(1);
        let metered = Metered { reader, meter: Rc::clone(&meter) };
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).trim(Trim::All).delimiter(delimiter);
        let mut reader = builder.from_reader(metered);
        let mut record = StringRecord::new();
        let there = reader.read_record(&mut record);
        if !there.map_err(|error| refusal(&path, error))? {
            return Err(Problem::of(&path, "is empty; it needs a header and rows").into());
        }
        let columns = Columns::of(&record).map_err(|text| Problem::at(&path, 1, text))?;
        Ok(Self { path, reader, meter, record, columns })
    }

    /// The next row, or the line and what is wrong with it.
    #[expect(clippy::type_complexity, reason = "an end, a problem of the row and one of the file")]
    pub(super) fn next(&mut self) -> Result<Option<Result<Row<'_>, (u64, String)>>, Refusal> {
        self.meter.restart(self.reader.position().line());
        match self.reader.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => return wrong_row(error, &self.path).map(|wrong| Some(Err(wrong))),
        }
        let field = |at: usize| self.record.get(at).unwrap_or_default();
        Ok(Some(Ok(Row {
            line: self.record.position().map_or(0, csv::Position::line),
            image: field(self.columns.image),
            label: field(self.columns.label),
            split: self.columns.split.map(field),
        })))
    }
}

/// Skips the byte order mark, and finds out by what the header's fields are parted: spreadsheets write ';' and tabs, too.
fn begin(reader: &mut impl BufRead) -> io::Result<u8> {
    let head = reader.fill_buf()?;
    let header = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let other = [b';', b'\t'].into_iter().find(|other| header.contains(other));
    let delimiter = if header.contains(&b',') { b',' } else { other.unwrap_or(b',') };
    if head.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    Ok(delimiter)
}

/// An error that concerns one row, as its line and a text; others as a refusal.
fn wrong_row(error: csv::Error, path: &FilePath) -> Result<(u64, String), Refusal> {
    match error.kind() {
        ErrorKind::Utf8 { pos: Some(position), .. } => Ok((position.line(), NOT_UTF8.to_owned())),
        ErrorKind::UnequalLengths { pos: Some(position), expected_len, len } => {
            Ok((position.line(), format!("has {len} fields; the header has {expected_len}")))
        }
        _ => Err(refusal(path, error)),
    }
}

fn refusal(path: &FilePath, error: csv::Error) -> Refusal {
    match error.into_kind() {
        ErrorKind::Io(error) => unreadable(path, error),
        ErrorKind::Utf8 { pos, .. } => {
            Problem::at(path, pos.map_or(1, |position| position.line()), NOT_UTF8).into()
        }
        _ => Problem::of(path, "cannot be read as CSV").into(),
    }
}

/// How many bytes may still be read before the next row has to end.
#[derive(Debug, Default)]
struct Meter {
    left: Cell<usize>,
    line: Cell<u64>,
}

impl Meter {
    /// A row begins.
    fn restart(&self, line: u64) {
        self.left.set(LONGEST_TEXT);
        self.line.set(line);
    }
}

struct Metered<R> {
    reader: BufReader<R>,
    meter: Rc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.meter.left.get();
        if left == 0 {
            let text = format!("a row is longer than {LONGEST_TEXT} bytes; is a quote left open?");
            return Err(Malformed { line: self.meter.line.get(), text }.into());
        }
        let read = self.reader.read(into)?;
        self.meter.left.set(left.saturating_sub(read));
        Ok(read)
    }
}
