//! The syncs that sled does not do.
//!
//! Invariant: once [`Files::sync`] has returned, everything that sled had handed to the operating system survives power loss.
//! sled's own flush ends in `sync_file_range`, which empties neither the drive's cache nor the file system's journal.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::options::{Sync, Target};

/// sled's log.
const LOG: &str = "db";
/// sled's folder for large pages.
const BLOBS: &str = "blobs";

/// The files of a store. The log stays open here, so an error of writing it back is told here even if sled saw it first.
pub(super) struct Files {
    log: File,
    folders: [Folder; 2],
    pub(super) sync: Sync,
}

/// A folder and the files in it that are known to be synced.
struct Folder {
    path: PathBuf,
    known: BTreeSet<OsString>,
}

impl Files {
    /// Takes over the files of an open store and syncs all of them, and the folder that holds them.
    pub(super) fn open(folder: &Path, sync: Sync) -> io::Result<Self> {
        let log = File::open(folder.join(LOG))?;
        let watched = |path| Folder { path, known: BTreeSet::new() };
        let folders = [watched(folder.to_owned()), watched(folder.join(BLOBS))];
        let mut files = Self { log, folders, sync };
        files.sync()?;
        if let Some(parent) = folder.parent() {
            (files.sync)(&File::open(parent)?, Target::Folder)?;
        }
        Ok(files)
    }

    /// Syncs the log, every new file beside it, and the folders whose entries changed.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        for folder in &mut self.folders {
            folder.sync_new(&self.sync)?;
        }
        (self.sync)(&self.log, Target::Content)
    }
}

impl Folder {
    fn sync_new(&mut self, sync: &Sync) -> io::Result<()> {
        let mut now = BTreeSet::new();
        for item in std::fs::read_dir(&self.path)? {
            now.insert(item?.file_name());
        }
        if now == self.known {
            return Ok(());
        }
        for new in now.difference(&self.known) {
            match File::open(self.path.join(new)) {
                Ok(file) => sync(&file, Target::Content)?,
                // sled has removed it in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        sync(&File::open(&self.path)?, Target::Folder)?;
        self.known = now;
        Ok(())
    }
}
