//! Watches the bytes of a JSON file on their way to the parser.
//!
//! Promise: the parser's memory is bounded, because no text passes that is too long and no nesting that is too deep; and for each
//! entry of a list one can ask on which line it began. NaN and Infinity, which Python writes though JSON has no such numbers, pass
//! as texts, so that they harm only where a number is needed.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use crate::bounds::{DEEPEST_NESTING, LONGEST_ENTRY, LONGEST_TEXT};
use crate::source::{MARK, Malformed, no_text};

/// Where the parser is.
#[derive(Debug, Default)]
pub(crate) struct Position {
    entry: Cell<u64>,
    line: Cell<u64>,
    not_numbers: Cell<u64>,
    first_not_number: Cell<u64>,
}

impl Position {
    /// The line on which the last entry began.
    pub(crate) const fn entry_line(&self) -> u64 {
        self.entry.get()
    }

    /// The line that is being read.
    pub(crate) const fn line(&self) -> u64 {
        self.line.get()
    }

    /// How many NaN and Infinity have passed, and the line of the first.
    pub(crate) fn not_numbers(&self) -> Option<(u64, u64)> {
        let count = self.not_numbers.get();
        (count > 0).then(|| (count, self.first_not_number.get()))
    }
}

/// The bytes of a file. Gives them one by one, so that the position is that of the parser.
pub(crate) struct Watched<'p, R> {
    reader: BufReader<R>,
    position: &'p Position,
    line: u64,
    depth: u32,
    /// How long the text or the number is so far.
    length: usize,
    state: State,
    /// The depth of an entry.
    entry: u32,
    /// How many bytes the entry has so far.
    entry_length: usize,
    /// What was put in the place of something, and is still to be given.
    pending: VecDeque<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Outside,
    Text,
    /// Behind a backslash.
    Escaped,
}

/// The words that Python writes for numbers that are none.
const NOT_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// One byte more than the longest of them.
const LONGEST_WORD: usize = 10;

impl<'p, R: Read> Watched<'p, R> {
    /// Watches for entries at this depth: 3 for those of a list in an object.
    pub(crate) fn new(reader: R, position: &'p Position, entry: u32) -> Self {
        Self {
            reader: BufReader::with_capacity(64 << 10, reader),
            position,
            line: 1,
            depth: 0,
            length: 0,
            state: State::Start,
            entry,
            entry_length: 0,
            pending: VecDeque::new(),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.state = State::Outside;
        let head = self.reader.fill_buf()?;
        if let Some(told) = no_text(head) {
            return Err(self.malformed(told.to_owned()));
        }
        if self.reader.fill_buf()?.starts_with(MARK) {
            self.reader.consume(MARK.len());
        }
        Ok(())
    }

    fn watch(&mut self, byte: u8) -> io::Result<()> {
        self.length += 1;
        self.entry_length += 1;
        match (self.state, byte) {
            (State::Text, b'\\') => self.state = State::Escaped,
            (State::Escaped, _) => self.state = State::Text,
            (State::Text, b'"') => self.outside(),
            (State::Text, _) => {}
            (_, b'"') => (self.state, self.length) = (State::Text, 0),
            (_, b'{' | b'[') => self.enter()?,
            (_, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                self.outside();
            }
            (_, b'\n') => {
                self.line += 1;
                self.position.line.set(self.line);
                self.outside();
            }
            (_, b',' | b':' | b' ' | b'\t' | b'\r') => self.outside(),
            _ => {}
        }
        if self.length > LONGEST_TEXT {
            let text = format!(
                "a text is longer than {LONGEST_TEXT} bytes: leave out images that are embedded as text, such as labelme's imageData"
            );
            return Err(self.malformed(text));
        }
        Ok(())
    }

    const fn outside(&mut self) {
        (self.state, self.length) = (State::Outside, 0);
    }

    fn enter(&mut self) -> io::Result<()> {
        self.outside();
        self.depth += 1;
        if self.depth > DEEPEST_NESTING {
            return Err(self.malformed(format!("is nested deeper than {DEEPEST_NESTING}")));
        }
        if self.depth == self.entry {
            self.position.entry.set(self.line);
            self.entry_length = 0;
        }
        Ok(())
    }

    /// Reads on from a byte that may begin a word for a number that is none.
    fn word(&mut self, first: u8) -> io::Result<()> {
        let mut word = vec![first];
        while word.len() < LONGEST_WORD {
            match self.reader.fill_buf()?.first().copied() {
                Some(byte) if byte.is_ascii_alphabetic() => {
                    self.reader.consume(1);
                    word.push(byte);
                }
                _ => break,
            }
        }
        if NOT_NUMBERS.contains(&word.as_slice()) {
            let Position { not_numbers, first_not_number, .. } = self.position;
            if not_numbers.replace(not_numbers.get() + 1) == 0 {
                first_not_number.set(self.line);
            }
            word = [b"\"", word.as_slice(), b"\""].concat();
        }
        self.entry_length += word.len();
        self.pending.extend(word);
        Ok(())
    }

    /// Whether an entry is still short enough to be taken whole.
    fn check_entry(&self) -> io::Result<()> {
        if self.depth >= self.entry && self.entry_length > LONGEST_ENTRY {
            let text = format!("an entry is longer than {LONGEST_ENTRY} bytes");
            return Err(self.malformed(text));
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
            self.position.line.set(1);
            self.begin()?;
        }
        let Some(place) = into.first_mut() else { return Ok(0) };
        if let Some(byte) = self.pending.pop_front() {
            *place = byte;
            return Ok(1);
        }
        let Some(byte) = self.reader.fill_buf()?.first().copied() else { return Ok(0) };
        self.reader.consume(1);
        if self.state == State::Outside && matches!(byte, b'N' | b'I' | b'-') {
            self.word(byte)?;
            *place = self.pending.pop_front().unwrap_or(byte);
            return Ok(1);
        }
        self.watch(byte)?;
        self.check_entry()?;
        *place = byte;
        Ok(1)
    }
}
