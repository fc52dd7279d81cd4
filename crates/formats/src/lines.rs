//! The lines of a text file.
//!
//! Promise: one line is in memory at a time, and none is longer than the bound. A byte order mark and CRLF are no part of a line.

use std::io::{self, BufRead, BufReader, Read};

use crate::bounds::LONGEST_TEXT;
use crate::source::{MARK, Malformed, NOT_UTF8, no_text};

/// Reads lines, one after the other.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader), line: Vec::new(), number: 0 }
    }

    /// The next line and its number, from 1.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, &str)>> {
        self.line.clear();
        if self.number == 0
            && let Some(told) = no_text(self.reader.fill_buf()?)
        {
            return Err(Malformed { line: 1, text: told.to_owned() }.into());
        }
        let most = LONGEST_TEXT as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.number;
        if read > LONGEST_TEXT {
            let text = format!("is longer than {LONGEST_TEXT} bytes");
            return Err(Malformed { line, text }.into());
        }
        let bytes = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let bytes = if line == 1 { bytes.strip_prefix(MARK).unwrap_or(bytes) } else { bytes };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some((line, text))),
            Err(_) => Err(Malformed { line, text: NOT_UTF8.to_owned() }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().map_err(|error| error.to_string())? {
            all.push((number, line.to_owned()));
        }
        Ok(all)
    }

    #[test]
    fn marks_and_line_ends_are_no_part_of_lines() {
        let lines = Ok(vec![(1, "a".to_owned()), (2, String::new()), (3, "b".to_owned())]);
        assert_eq!(all(b"a\n\nb\n"), lines);
        assert_eq!(all(b"\xEF\xBB\xBFa\r\n\r\nb"), lines);
        assert_eq!(all(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_number() {
        assert_eq!(all(b"a\n\xFF\n"), Err(format!("line 2: {NOT_UTF8}")));
        assert!(all(&vec![b'a'; LONGEST_TEXT]).is_ok());
        let long = [b"a\n".as_slice(), &vec![b'a'; LONGEST_TEXT + 1]].concat();
        assert_eq!(all(&long), Err("line 2: is longer than 1048576 bytes".to_owned()));
    }
}
