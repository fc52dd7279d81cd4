//! The rows of a CSV file.
//!
//! Promise: one row is in memory at a time, and none is longer than the bound, even if a quote is left open.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use crate::bounds::LONGEST_TEXT;
use crate::shape::File;
use crate::source::{MARK, Malformed, NOT_UTF8, Source, no_text, unreadable};
use crate::{FilePath, Problem, Refusal};

/// Reads rows, one after the other, the header too.
pub(super) struct Rows<'s> {
    path: FilePath,
    reader: csv::Reader<Metered<Box<dyn Read + 's>>>,
    meter: Rc<Meter>,
    record: StringRecord,
    /// So many lines stand before the first row.
    before: u64,
}

/// A row: its line and its fields; or its line and what is wrong with it.
pub(super) type Row<'a> = Result<(u64, &'a StringRecord), (u64, String)>;

impl<'s> Rows<'s> {
    pub(super) fn open(file: &File, source: &mut Source<'s>) -> Result<Self, Refusal> {
        let path = file.path.clone();
        let mut reader = BufReader::new(source.open(file)?);
        let (delimiter, before) = begin(&mut reader).map_err(|error| unreadable(&path, error))?;
        let meter = Rc::new(Meter::default());
        let metered = Metered { reader, meter: Rc::clone(&meter) };
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).trim(Trim::All).delimiter(delimiter);
        let reader = builder.from_reader(metered);
        Ok(Self { path, reader, meter, record: StringRecord::new(), before })
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Refusal> {
        self.meter.restart(self.before + self.reader.position().line());
        match self.reader.read_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                if self.record.iter().any(|field| field.starts_with('"')) {
                    match unquoted(&self.record) {
                        Ok(record) => self.record = record,
                        Err(text) => return Ok(Some(Err((self.before + line, text)))),
                    }
                }
                Ok(Some(Ok((self.before + line, &self.record))))
            }
            Err(error) => {
                let (line, mut text) = wrong_row(error, &self.path, self.before)?;
                // `cat, "big, brown"`: the quotes are not taken as such, and a comma within them parts the field.
                if self.record.iter().any(|field| field.starts_with('"')) {
                    text = format!("{text}; {QUOTE_BEHIND_BLANK}");
                }
                Ok(Some(Err((line, text))))
            }
        }
    }
}

/// What is said of a row whose quotes cannot be taken as such.
const QUOTE_BEHIND_BLANK: &str = "has a quote behind a blank: take out the blanks before quotes";

/// A row whose fields have quotes behind a blank (`1.png, "cat"`), which RFC 4180 takes for a part of the field.
fn unquoted(record: &StringRecord) -> Result<StringRecord, String> {
    let mut plain = StringRecord::new();
    for field in record {
        match field.strip_prefix('"') {
            None => plain.push_field(field),
            Some(rest) => match rest.strip_suffix('"') {
                Some(inner) => plain.push_field(&inner.replace("\"\"", "\"")),
                None if !rest.contains('"') => return Err(QUOTE_BEHIND_BLANK.to_owned()),
                None => plain.push_field(field),
            },
        }
    }
    Ok(plain)
}

/// What may part fields; of two that part the header equally often the first counts.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Skips the byte order mark and a line that tells a spreadsheet the delimiter (`sep=;`). Says by what fields are parted, and how many
/// lines were skipped.
fn begin(reader: &mut impl BufRead) -> io::Result<(u8, u64)> {
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    let head = reader.fill_buf()?;
    if let Some(told) = no_text(head) {
        return Err(Malformed { line: 1, text: told.to_owned() }.into());
    }
    let line = first_line(head);
    let said = line.strip_suffix(b"\r").unwrap_or(line);
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = said {
        let (delimiter, length) = (*delimiter, line.len() + 1);
        reader.consume(length);
        return Ok((delimiter, 1));
    }
    let parts = |delimiter: &u8| {
        let mut quoted = false;
        let outside = |byte: &&u8| {
            quoted ^= **byte == b'"';
            !quoted && *byte == delimiter
        };
        line.iter().filter(outside).count()
    };
    let most = DELIMITERS.iter().rev().max_by_key(|delimiter| parts(delimiter));
    Ok((most.copied().unwrap_or(b','), 0))
}

fn first_line(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// An error that concerns one row, as its line and a text; others as a refusal.
fn wrong_row(error: csv::Error, path: &FilePath, before: u64) -> Result<(u64, String), Refusal> {
    match error.kind() {
        ErrorKind::Utf8 { pos: Some(position), .. } => {
            Ok((before + position.line(), NOT_UTF8.to_owned()))
        }
        ErrorKind::UnequalLengths { pos: Some(position), expected_len, len } => {
            let text = format!("has {len} fields; the header has {expected_len}");
            Ok((before + position.line(), text))
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
