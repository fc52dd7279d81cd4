//! Watches the bytes of a JSON file on their way to the parser.
//!
//! Promise: the parser's memory is bounded, because no text passes that is too long and no nesting that is too deep; and for each
//! entry of a list one can ask on which line it began.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};

use crate::bounds::{DEEPEST_NESTING, LONGEST_TEXT};
use crate::source::{MARK, Malformed};

/// Where the parser is.
#[derive(Debug, Default)]
pub(super) struct Position {
    entry: Cell<u64>,
}

impl Position {
    /// The line on which the last entry of a list at the top level began.
    pub(super) const fn entry_line(&self) -> u64 {
        self.entry.get()
    }
}

/// The bytes of a file. Gives them one by one, so that the position is that of the parser.
pub(super) struct Watched<'p, R> {
    reader: BufReader<R>,
    position: &'p Position,
    line: u64,
    depth: u32,
    /// How long the text or the number is so far.
    length: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Outside,
    Text,
    /// Behind a backslash.
    Escaped,
}

/// The depth of an entry: in a list in the object.
const ENTRY: u32 = 3;

impl<'p, R: Read> Watched<'p, R> {
    pub(super) fn new(reader: R, position: &'p Position) -> Self {
        Self {
            reader: BufReader::with_capacity(64 << 10, reader),
            position,
            line: 1,
            depth: 0,
            length: 0,
            state: State::Start,
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.state = State::Outside;
        let head = self.reader.fill_buf()?;
        if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
            return Err(self.malformed("is UTF-16; save the file as UTF-8".to_owned()));
        }
        if head.starts_with(MARK) {
            self.reader.consume(MARK.len());
        }
        Ok(())
    }

    fn watch(&mut self, byte: u8) -> io::Result<()> {
        self.length += 1;
        match (self.state, byte) {
            (State::Text, b'\\') => self.state = State::Escaped,
            (State::Escaped, _) => self.state = State::Text,
            (State::Text, b'"') => self.outside(),
            (State::Text, _) => {}
            (_, b'"') => (self.state, self.length) = (State::Text, 0),
            (_, b'{' | b'[') => self.enter(byte)?,
            (_, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                self.outside();
            }
            (_, b'\n') => {
                self.line += 1;
                self.outside();
            }
            (_, b',' | b':' | b' ' | b'\t' | b'\r') => self.outside(),
            _ => {}
        }
        if self.length > LONGEST_TEXT {
            return Err(self.malformed(format!("a text is longer than {LONGEST_TEXT} bytes")));
        }
        Ok(())
    }

    const fn outside(&mut self) {
        (self.state, self.length) = (State::Outside, 0);
    }

    fn enter(&mut self, byte: u8) -> io::Result<()> {
        self.outside();
        self.depth += 1;
        if self.depth > DEEPEST_NESTING {
            return Err(self.malformed(format!("is nested deeper than {DEEPEST_NESTING}")));
        }
        if byte == b'{' && self.depth == ENTRY {
            self.position.entry.set(self.line);
        }
        Ok(())
    }

    fn malformed(&self, text: String) -> io::Error {
        Malformed { line: self.line, text }.into()
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.state == State::Start {
            self.begin()?;
        }
        let Some(place) = into.first_mut() else { return Ok(0) };
        let Some(byte) = self.reader.fill_buf()?.first().copied() else { return Ok(0) };
        self.reader.consume(1);
        self.watch(byte)?;
        *place = byte;
        Ok(1)
    }
}
