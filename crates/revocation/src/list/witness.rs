//! A small file beside the database that says what the database must at least hold.
//!
//! Invariant: a database that has lost its end or its all, without noticing, is not taken for a young one. sled takes damage in
//! the middle of its log for the torn end of it and silently forgets the rest.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::options::{Sync, Target};
use super::store::Meta;

const NAME: &str = "witness";
const NEW: &str = "witness.new";

/// Which store it was, and how far it had come when it was last opened, swept or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) epoch: u64,
    pub(super) sequence: u64,
}

impl Witness {
    /// What the folder's file says; `None` if there is none that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(NAME)).ok()?;
        let (epoch, sequence) = text.trim().split_once(' ')?;
        Some(Self { epoch: epoch.parse().ok()?, sequence: sequence.parse().ok()? })
    }

    /// Replaces the folder's file as a whole.
    pub(super) fn write(self, folder: &Path, sync: &Sync) -> io::Result<()> {
        let new = folder.join(NEW);
        let mut file = fs::File::create(&new)?;
        writeln!(file, "{} {}", self.epoch, self.sequence)?;
        sync(&file, Target::Content)?;
        fs::rename(&new, folder.join(NAME))?;
        sync(&fs::File::open(folder)?, Target::Folder)
    }

    /// What the store has lost, if it has: the store that was here, or entries that it had.
    pub(super) fn missing(self, found: Option<&Meta>) -> Option<&'static str> {
        match found {
            None => Some("the database has forgotten what it was"),
            Some(meta) if meta.epoch != self.epoch => Some("the database is another store's"),
            Some(meta) if meta.sequence < self.sequence => Some("the database has lost its end"),
            Some(_) => None,
        }
    }
}
