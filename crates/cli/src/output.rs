//! Everything that is printed.
//!
//! Invariant: what a token, a server or a file name holds cannot steer the terminal or turn the text around; such characters
//! are printed as escapes.

mod listing;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

use clap::ValueEnum;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::failure::Failure;
pub(crate) use listing::{fit, listing};

/// How to print results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON value on stdout.
    Json,
}

/// Prints to stdout. A reader that has gone away has read enough.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(format_args!("stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON value, indented.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&json(value)?)
}

/// One JSON value, indented, with a line's end.
pub(crate) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if c != '\n' && is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing into a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    Ok(safe)
}

/// Says something on stderr that is no error.
pub(crate) fn warn(text: &str) {
    // Nowhere is left to complain to if stderr is closed.
    let _ = writeln!(std::io::stderr(), "warning: {text}");
}

/// Tells people something beside the result, on stderr.
pub(crate) fn note(text: &str) {
    // Nowhere is left to say it if stderr is closed.
    let _ = writeln!(std::io::stderr(), "note: {}", plain(text));
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The text as one line that a person sees as it is.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Names and what they stand for, in two columns. What is too long for the terminal goes on below itself.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    padded(&listing::wrapped(rows))
}

/// Lines in columns, each as wide as its widest cell; the last column is not padded.
fn padded(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Characters that do something to a terminal, or that hide or turn text.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        let cases = [
            ("alice", "alice"),
            ("Zoë 日本", "Zoë 日本"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}b", "a\\u{9b}b"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\nb\tc", "a\\u{a}b\\u{9}c"),
        ];
        for (hostile, safe) in cases {
            assert_eq!(plain(hostile), safe);
        }
    }

    #[test]
    fn json_stays_json_and_is_escaped() {
        let value = serde_json::json!({"a\u{9b}": "b\u{202e}\u{e0001}\u{1b}é\n"});
        let printed = json(&value).unwrap();
        assert!(!printed.trim_end().contains(|c: char| c != '\n' && is_unseen(c)), "{printed:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
    }

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["a", "long", "x"]), row(["bbb", "ü", "y"]), row(["c", "", ""])];
        assert_eq!(table(&rows), "a    long  x\nbbb  ü     y\nc\n");
        let wide =
            [vec!["日本".to_owned(), "x".to_owned()], vec!["abcd".to_owned(), "y".to_owned()]];
        assert_eq!(table(&wide), "日本  x\nabcd  y\n");
    }
}
