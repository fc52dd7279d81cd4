//! How far a transfer is: a bar on a terminal, a few plain lines elsewhere.
//!
//! Invariant: it goes to stderr, holds nothing that steers a terminal, and a transfer goes on whatever becomes of it.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::plain;

const STYLE: &str =
    "{prefix} {bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} {wide_msg}";

/// One stage of a transfer.
pub(super) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    watched: bool,
    files: u64,
    total_files: u64,
    /// Where nobody watches: at how many files the next line is due.
    due: u64,
}

impl Progress {
    /// A stage of so many files and bytes.
    pub(super) fn new(what: &'static str, total_files: u64, total_bytes: u64) -> Self {
        let watched = std::io::stderr().is_terminal();
        let target =
            if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total_bytes), target).with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, what, watched, files: 0, total_files, due: tenth(total_files) }
    }

    /// A file begins.
    pub(super) fn begin(&self, path: &str) {
        if self.watched {
            self.bar.set_message(plain(path).into_owned());
        }
    }

    /// So many bytes more.
    pub(super) fn bytes(&self, more: u64) {
        self.bar.inc(more);
    }

    /// A file is done.
    pub(super) fn end(&mut self) {
        self.files += 1;
        if !self.watched && self.files >= self.due {
            self.due = self.files + tenth(self.total_files);
            line(&format!("{}: {} of {} files", self.what, self.files, self.total_files));
        }
    }

    /// Something that a person wants to know.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| line(&plain(text)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn tenth(files: u64) -> u64 {
    files.div_ceil(10).max(1)
}

fn line(text: &str) {
    // Nowhere is left to complain to if stderr is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
