//! What a printed line says: text without what steers a terminal, or a report of progress.

use std::iter::Peekable;
use std::str::Chars;

use serde::Deserialize;

use super::screen::LONGEST;
use crate::said::Said;

const ESCAPE: char = '\u{1b}';

/// A line of JSON that tells how far the trainer is.
#[derive(Debug, Deserialize)]
struct Report {
    progress: f64,
    message: Option<String>,
}

/// What a line says.
pub(super) fn understood(line: &[u8]) -> Said {
    if line.starts_with(b"{")
        && let Ok(report) = serde_json::from_slice::<Report>(line)
        && report.progress.is_finite()
    {
        let message = report.message.map(|message| plain(&message));
        return Said::Progress(report.progress.clamp(0.0, 1.0), message);
    }
    Said::Line(plain(&String::from_utf8_lossy(line)))
}

/// One line without escape sequences (ECMA-48) and control characters; a database takes no NUL.
fn plain(text: &str) -> String {
    let (mut kept, mut left) = (String::new(), text.chars().peekable());
    while let Some(c) = left.next() {
        match c {
            ESCAPE => skip_sequence(&mut left),
            // The same as ESC and [, in one character.
            '\u{9b}' => skip_control_sequence(&mut left),
            '\t' => kept.push(c),
            _ if c.is_control() => {}
            _ => kept.push(c),
        }
    }
    kept.truncate(kept.floor_char_boundary(LONGEST));
    kept.truncate(kept.trim_end().len());
    kept
}

/// What stands behind an escape character: colours, moves of the cursor, titles, links.
fn skip_sequence(left: &mut Peekable<Chars<'_>>) {
    match left.next() {
        Some('[') => skip_control_sequence(left),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(left),
        // A character set.
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => drop(left.next()),
        Some(_) | None => {}
    }
}

/// Parameters, and then one character that says what to do.
fn skip_control_sequence(left: &mut Peekable<Chars<'_>>) {
    while left.next_if(|c| matches!(c, ' '..='?')).is_some() {}
    let _ = left.next_if(|c| matches!(c, '@'..='~'));
}

/// To its end: BEL, or ESC and a backslash.
fn skip_string(left: &mut Peekable<Chars<'_>>) {
    while let Some(c) = left.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            ESCAPE => {
                let _ = left.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_left_out() {
        for (printed, right) in [
            ("\x1b[32mgreen\x1b[0m text", "green text"),
            ("\x1b[1;38;5;196mred\x1b[m", "red"),
            ("\x1b[2J\x1b[H\x1b[?25ltop", "top"),
            ("\u{9b}31mred\u{9b}0m", "red"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Bplain\x1b7\x1b8", "plain"),
            ("bell\x07 nul\0 feed\x0c", "bell nul feed"),
            ("tab\there  ", "tab\there"),
            ("\x1b", ""),
            ("\x1b[", ""),
            ("\x1b[31", ""),
            ("\x1b]0;without an end", ""),
            ("\x1b[3ümlaut", "ümlaut"),
        ] {
            assert_eq!(plain(printed), right, "{printed:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        assert_eq!(understood(b"caf\xe9"), Said::Line("caf\u{fffd}".to_owned()));
        let cut = understood("ü".repeat(4000).as_bytes());
        assert!(matches!(cut, Said::Line(line) if line.len() == LONGEST));
    }
}
