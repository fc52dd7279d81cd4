//! The syncs that sled does not do.
//!
//! Invariant: once [`Files::sync`] has returned, everything that sled had handed to the operating system survives power loss.
//! sled's own flush ends in `sync_file_range`, which empties neither the drive's cache nor the file system's journal.
//!
//! Space for the log is allocated ahead of it, so that revoking goes on for some thousand entries on a disk that others have filled.
//!
//! A sync opens no file: the log and the folders are held open from the start, so a process that has no descriptor left goes on
//! making entries durable. sled itself opens a file only for a page beyond 128 KiB, which takes records of 8 KiB: the list has none.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{FallocateFlags, Mode, OFlags, RawDir, SeekFrom};
use rustix::io::Errno;

use super::options::{Sync, Target};

/// sled's log.
const LOG: &str = "db";
/// The log's copy on its way to take its place.
const LOG_COPY: &str = "db.copy";
/// sled's folder for large pages.
const BLOBS: &str = "blobs";
/// How much of the disk belongs to the log beyond its end, in bytes: a disk that others have filled still takes so much of it.
const AHEAD: u64 = 4 << 20;
/// So much the log grows until its part of the disk does, in bytes.
const STEP: u64 = AHEAD / 8;
/// How much of a folder's entries is read at a time, in bytes.
const ENTRIES: usize = 4_096;
/// How much of a file is written again at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// The files of a store. The log stays open here, so an error of writing it back is told here even if sled saw it first.
pub(super) struct Files {
    log: File,
    folders: [Folder; 2],
    pub(super) sync: Sync,
    /// How long the log was when space was asked for last.
    ahead_of: Option<u64>,
}

/// A folder and the files in it that are known to be synced.
struct Folder {
    folder: File,
    known: BTreeSet<OsString>,
}

impl Files {
    /// Takes over the files of an open store and syncs all of them, and the folder that holds them.
    pub(super) fn open(folder: &Path, sync: Sync) -> io::Result<Self> {
        let log = File::options().read(true).write(true).open(folder.join(LOG))?;
        let folders = [Folder::open(folder)?, Folder::open(&folder.join(BLOBS))?];
        let mut files = Self { log, folders, sync, ahead_of: None };
        files.sync()?;
        if let Some(parent) = folder.parent() {
            (files.sync)(&File::open(parent)?, Target::Folder)?;
        }
        Ok(files)
    }

    /// Whether a file can be opened now.
    pub(super) fn have_room(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folders[0].folder, ".", flags, Mode::empty()).map(drop)?)
    }

    /// Syncs the log, every new file beside it, and the folders whose entries changed.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        for folder in &mut self.folders {
            folder.sync_new(&self.sync)?;
        }
        (self.sync)(&self.log, Target::Content)?;
        self.allocate_ahead();
        Ok(())
    }

    /// Makes the space that the log will need next its own. Where that is not to be had, a full disk refuses what a full disk refuses.
    fn allocate_ahead(&mut self) {
        let Ok(length) = self.log.metadata().map(|log| log.len()) else { return };
        // sled also shortens it, and gives away what is beyond its end.
        if self.ahead_of.is_some_and(|at| (at..at + STEP).contains(&length)) {
            return;
        }
        self.ahead_of = Some(length);
        let allocated = rustix::fs::fallocate(&self.log, FallocateFlags::KEEP_SIZE, length, AHEAD);
        if let Err(error) = allocated {
            tracing::debug!(%error, "revocations: no space is allocated ahead of the log");
        }
    }
}

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { folder: File::open(path)?, known: BTreeSet::new() })
    }

    fn sync_new(&mut self, sync: &Sync) -> io::Result<()> {
        let now = names(&self.folder)?;
        if now == self.known {
            return Ok(());
        }
        for new in now.difference(&self.known) {
            self.sync_file(new, sync)?;
        }
        sync(&self.folder, Target::Folder)?;
        self.known = now;
        Ok(())
    }

    fn sync_file(&self, name: &OsStr, sync: &Sync) -> io::Result<()> {
        match rustix::fs::openat(
            &self.folder,
            name,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(file) => sync(&File::from(file), Target::Content),
            // sled has removed it in the meantime.
            Err(Errno::NOENT) => Ok(()),
            // No descriptor is left: the whole file system is synced, which needs none.
            Err(Errno::MFILE | Errno::NFILE) => Ok(rustix::fs::syncfs(&self.folder)?),
            Err(error) => Err(error.into()),
        }
    }
}

/// The names in a folder, read through the descriptor that is there.
fn names(folder: &File) -> io::Result<BTreeSet<OsString>> {
    rustix::fs::seek(folder, SeekFrom::Start(0))?;
    let mut buffer = [MaybeUninit::uninit(); ENTRIES];
    let mut entries = RawDir::new(folder, &mut buffer);
    let mut names = BTreeSet::new();
    while let Some(entry) = entries.next() {
        let name = entry?.file_name().to_bytes().to_owned();
        if name != b"." && name != b".." {
            names.insert(OsStr::from_bytes(&name).to_owned());
        }
    }
    Ok(names)
}

/// Writes every byte of a closed store's files again and syncs them. After a sync that has failed, Linux shows what was to be written but
/// takes it for written: the next sync would say nothing of what the disk never got.
pub(super) fn write_again(folder: &Path, sync: &Sync) -> io::Result<()> {
    for path in [folder.to_owned(), folder.join(BLOBS)] {
        for name in names(&File::open(&path)?)? {
            let file = path.join(name);
            if file.is_file() {
                write_file_again(&file, sync)?;
            }
        }
    }
    Ok(())
}

/// Puts a synced copy of the log in its place, for a database that is left behind with the log still locked.
pub(super) fn copy_log(folder: &Path, sync: &Sync) -> io::Result<()> {
    let copy = folder.join(LOG_COPY);
    std::fs::copy(folder.join(LOG), &copy)?;
    sync(&File::open(&copy)?, Target::Content)?;
    std::fs::rename(copy, folder.join(LOG))?;
    sync(&File::open(folder)?, Target::Folder)
}

fn write_file_again(path: &Path, sync: &Sync) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let (mut chunk, mut at) = (vec![0; CHUNK], 0);
    loop {
        let read = match file.read_at(&mut chunk, at) {
            Ok(0) => return sync(&file, Target::Content),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        file.write_all_at(&chunk[..read], at)?;
        at += read as u64;
    }
}
