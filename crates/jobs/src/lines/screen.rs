//! The line that is being printed, as a terminal has it: what is printed after a carriage return or a backspace takes the place of what was there.

use super::plain;
use crate::said::Said;

/// The most bytes that are kept of a line.
pub(super) const LONGEST: usize = 4096;

const BACKSPACE: u8 = 8;

/// The current line.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// What was printed since the line began, or was last redrawn.
    line: Vec<u8>,
    /// What stood there before.
    state: Option<Said>,
    /// The state that was logged last.
    logged: Option<Said>,
    is_redrawn: bool,
    is_erasing: bool,
}

impl Screen {
    /// Prints what holds no end of a line.
    pub(super) fn print(&mut self, text: &[u8]) {
        for byte in text {
            if *byte == BACKSPACE {
                self.erase();
            } else {
                self.is_erasing = false;
                if self.line.len() < LONGEST {
                    self.line.push(*byte);
                }
            }
        }
    }

    /// Back to the beginning of the line.
    pub(super) fn redraw(&mut self) {
        self.keep_state();
        self.line.clear();
        self.is_redrawn = true;
    }

    /// Whether the line has had another state: only then can it be that no end of a line will come for long.
    pub(super) const fn is_redrawn(&self) -> bool {
        self.is_redrawn
    }

    /// What the line shows, unless it shows nothing or that was logged.
    pub(super) fn state(&mut self) -> Option<Said> {
        let shown = self.shown().filter(|shown| self.logged.as_ref() != Some(shown))?;
        self.logged = Some(shown.clone());
        Some(shown)
    }

    /// Ends the line. An empty one is one, too.
    pub(super) fn end(&mut self) -> Option<Said> {
        let ended = std::mem::take(self);
        let shown = ended.shown().unwrap_or_else(|| Said::Line(String::new()));
        (ended.logged.as_ref() != Some(&shown)).then_some(shown)
    }

    fn shown(&self) -> Option<Said> {
        let now = plain::understood(&self.line);
        if is_empty(&now) { self.state.clone() } else { Some(now) }
    }

    fn keep_state(&mut self) {
        let now = plain::understood(&self.line);
        if !is_empty(&now) {
            self.state = Some(now);
        }
    }

    fn erase(&mut self) {
        if !std::mem::replace(&mut self.is_erasing, true) {
            self.keep_state();
            self.is_redrawn = true;
        }
        // A character, not a byte.
        while self.line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
    }
}

fn is_empty(said: &Said) -> bool {
    matches!(said, Said::Line(line) if line.is_empty())
}
