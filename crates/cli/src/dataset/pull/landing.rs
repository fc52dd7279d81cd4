//! Writes pulled files beneath one folder.
//!
//! Invariant: whatever names the service sends, nothing outside the folder is written, no link in it is followed, and without
//! `--force` nothing that is there is changed. A file stands under its name only once it is whole and has the hash that the service
//! told.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_contract::labeler::{FileChunk, FileInfo};

use super::huggingface::Plan;
use super::journal::{Entry, Journal};
use crate::dataset::digest::{finish, of_file};
use crate::dataset::folder::at;
use crate::failure::Failure;
use crate::output::{hex, plain};

const JOURNAL: &str = ".hallpass-pull";
const DRAFT: &str = ".hallpass-pull.part";
/// Of a file that is there already so much is taken in vain before the service is asked to leave the rest out.
const IN_VAIN: u64 = 1024 * 1024;

/// The folder, and the file that is being written.
#[derive(Debug)]
pub(super) struct Landing {
    folder: PathBuf,
    force: bool,
    journal: Journal,
    open: Option<Open>,
    /// The last file that is whole, or left out.
    done: Option<Entry>,
    /// Where files go that do not go where their paths say.
    plan: Option<Plan>,
    pub(super) fetched: u64,
    pub(super) kept: u64,
    pub(super) bytes: u64,
    left_out: Vec<String>,
}

/// What became of the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Landed {
    pub(super) fetched: u64,
    /// Those that were there.
    pub(super) kept: u64,
    /// The bytes that came.
    pub(super) bytes: u64,
    /// Those whose names cannot be written here.
    pub(super) left_out: Vec<String>,
}

struct Open {
    entry: Entry,
    file: File,
    hash: Context,
    offset: u64,
}

/// What is to happen behind a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The piece behind it.
    Piece,
    /// The service is to leave out the rest of a file that is there.
    LeaveOut,
}

impl Landing {
    /// A folder to write to, made if it is not there; what an earlier pull from the same source has written stays.
    pub(super) fn new(
        folder: PathBuf,
        force: bool,
        source: &str,
        plan: Option<Plan>,
    ) -> Result<Self, Failure> {
        fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
        let path = folder.join(JOURNAL);
        let entries = Journal::read(&path, source);
        let plan_of = plan.as_ref();
        let stands = |entry: &&Entry| {
            target(plan_of, &entry.path).is_some_and(|to| is_there(&folder, to, entry))
        };
        let whole = entries.iter().take_while(stands).count();
        let open = entries.get(whole).filter(|entry| target(plan_of, &entry.path).is_some());
        let open = open.and_then(|entry| take_up(&folder, entry));
        let kept = &entries[..whole + usize::from(open.is_some())];
        let journal =
            Journal::begin(path.clone(), source, kept).map_err(|error| at(&path, &error))?;
        let done = whole.checked_sub(1).map(|last| entries[last].clone());
        Ok(Self {
            folder,
            force,
            journal,
            open,
            done,
            plan,
            fetched: 0,
            kept: whole as u64,
            bytes: 0,
            left_out: Vec::new(),
        })
    }

    /// Where the service is to go on: the file and its next byte.
    pub(super) fn place(&self) -> Option<(&str, u64)> {
        match (&self.open, &self.done) {
            (Some(open), _) => Some((&open.entry.path, open.offset)),
            (None, Some(done)) => Some((&done.path, done.size)),
            (None, None) => None,
        }
    }

    /// Takes a piece; what the file is comes with its first.
    pub(super) fn take(
        &mut self,
        chunk: &FileChunk,
        info: Option<&FileInfo>,
    ) -> Result<Next, Failure> {
        if self.done.as_ref().is_some_and(|done| done.path == chunk.path) {
            return Ok(Next::Piece);
        }
        if self.open.as_ref().is_none_or(|open| open.entry.path != chunk.path) {
            let info = info.filter(|info| info.path == chunk.path && self.open.is_none());
            let info = info.ok_or_else(|| refused_name("a piece of no file", &chunk.path))?;
            if let Some(next) = self.begin(info.into())? {
                return Ok(next);
            }
        }
        let Some(open) = &mut self.open else { return Ok(Next::Piece) };
        open.file.write_all(&chunk.data).map_err(|error| at(&self.folder.join(DRAFT), &error))?;
        open.hash.update(&chunk.data);
        open.offset += chunk.data.len() as u64;
        self.bytes += chunk.data.len() as u64;
        if open.offset >= open.entry.size {
            self.end_file()?;
        }
        Ok(Next::Piece)
    }

    /// Writes a text that belongs to the files, such as a table of their labels.
    pub(super) fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let target = self.folder.join(path);
        self.make_folders(path)?;
        if fs::read(&target).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        self.check_free(&target)?;
        let (mut file, draft) = self.draft()?;
        file.write_all(text.as_bytes()).map_err(|error| at(&draft, &error))?;
        fs::rename(&draft, &target).map_err(|error| at(&target, &error))
    }

    /// All has come.
    pub(super) fn finish(self) -> Result<Landed, Failure> {
        if let Some(open) = &self.open {
            let problem = "the service ended before the file did; right: pull again";
            return Err(at(&self.folder.join(&open.entry.path), &problem));
        }
        let path = self.folder.join(JOURNAL);
        self.journal.end().map_err(|error| at(&path, &error))?;
        let Self { fetched, kept, bytes, left_out, .. } = self;
        Ok(Landed { fetched, kept, bytes, left_out })
    }

    /// Begins a file, unless it is there already.
    fn begin(&mut self, entry: Entry) -> Result<Option<Next>, Failure> {
        let target = target(self.plan.as_ref(), &entry.path).map(str::to_owned);
        // What the plan has no place for is no image.
        let fits = target.as_deref().map_or(Ok(false), fits)?;
        let Some(target) = target.as_ref().filter(|_| fits) else {
            self.left_out.extend(target);
            let next = if entry.size > IN_VAIN { Next::LeaveOut } else { Next::Piece };
            self.done = Some(entry);
            return Ok(Some(next));
        };
        self.make_folders(target)?;
        let journal = self.folder.join(JOURNAL);
        self.journal.add(&entry).map_err(|error| at(&journal, &error))?;
        if is_there(&self.folder, target, &entry) {
            let next = if entry.size > IN_VAIN { Next::LeaveOut } else { Next::Piece };
            self.kept += 1;
            self.done = Some(entry);
            return Ok(Some(next));
        }
        self.check_free(&self.folder.join(target))?;
        let (file, _) = self.draft()?;
        self.open = Some(Open { entry, file, hash: Context::new(&SHA256), offset: 0 });
        Ok(None)
    }

    /// An empty draft.
    fn draft(&self) -> Result<(File, PathBuf), Failure> {
        let draft = self.folder.join(DRAFT);
        // What an earlier pull left. Never what a link points to: unlinking and `create_new` follow none.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&draft, &error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&draft);
        Ok((file.map_err(|error| at(&draft, &error))?, draft))
    }

    fn end_file(&mut self) -> Result<(), Failure> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let path = target(self.plan.as_ref(), &open.entry.path).unwrap_or(&open.entry.path);
        let (target, draft) = (self.folder.join(path), self.folder.join(DRAFT));
        if open.offset != open.entry.size || hex(&finish(open.hash)) != open.entry.sha256 {
            let _ = fs::remove_file(&draft);
            return Err(at(
                &target,
                &"came damaged: it has not the hash that the service told; right: pull again",
            ));
        }
        self.make_folders(path)?;
        self.check_free(&target)?;
        fs::rename(&draft, &target).map_err(|error| at(&target, &error))?;
        self.fetched += 1;
        self.done = Some(open.entry);
        Ok(())
    }

    /// Makes the folders that the file lies in, and refuses links among them.
    fn make_folders(&self, path: &str) -> Result<(), Failure> {
        for (end, _) in path.match_indices('/') {
            let folder = self.folder.join(&path[..end]);
            match fs::symlink_metadata(&folder) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(at(&folder, &"in the way; right: a folder")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&folder).map_err(|error| at(&folder, &error))?;
                }
                Err(error) => return Err(at(&folder, &error)),
            }
        }
        Ok(())
    }

    fn check_free(&self, target: &Path) -> Result<(), Failure> {
        match fs::symlink_metadata(target) {
            Ok(found) if found.is_dir() => Err(at(target, &"a folder is in the way")),
            Ok(found) if found.is_symlink() => Err(at(target, &"a link is in the way")),
            Ok(_) if !self.force => {
                Err(at(target, &"is there already, with other content; --force overwrites it"))
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(at(target, &error)),
        }
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Open").field(&self.entry).field(&self.offset).finish()
    }
}

/// Where a file goes; `None` if it is left out.
fn target<'a>(plan: Option<&'a Plan>, path: &'a str) -> Option<&'a str> {
    plan.map_or(Some(path), |plan| plan.target(path))
}

/// Whether the file is there as it is to be: a regular file, beneath folders that are no links.
fn is_there(folder: &Path, to: &str, entry: &Entry) -> bool {
    let is_folder =
        |(end, _)| fs::symlink_metadata(folder.join(&to[..end])).is_ok_and(|found| found.is_dir());
    let target = folder.join(to);
    matches!(fits(to), Ok(true))
        && to.match_indices('/').all(is_folder)
        && fs::symlink_metadata(&target)
            .is_ok_and(|found| found.is_file() && found.len() == entry.size)
        && of_file(&target).is_ok_and(|(sha256, _)| hex(&sha256) == entry.sha256)
}

/// Takes up the draft of an earlier pull. What it holds is hashed with what comes, so that a wrong draft does not last.
fn take_up(folder: &Path, entry: &Entry) -> Option<Open> {
    fits(&entry.path).ok().filter(|fits| *fits)?;
    let draft = folder.join(DRAFT);
    let found = fs::symlink_metadata(&draft).ok().filter(fs::Metadata::is_file)?;
    if found.len() == 0 || found.len() >= entry.size {
        return None;
    }
    let mut hash = Context::new(&SHA256);
    let mut reader = File::open(&draft).ok()?;
    let mut piece = vec![0; 128 * 1024];
    let mut offset = 0;
    loop {
        match std::io::Read::read(&mut reader, &mut piece).ok()? {
            0 => break,
            read => {
                hash.update(&piece[..read]);
                offset += read as u64;
            }
        }
    }
    let file = OpenOptions::new().append(true).open(&draft).ok()?;
    Some(Open { entry: entry.clone(), file, hash, offset })
}

/// Whether a file of this name can be written here, and a person can see what it is called. A name that leads elsewhere is an error: no service that
/// is right sends one.
fn fits(path: &str) -> Result<bool, Failure> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(refused_name("a file name that is refused", path));
    }
    Ok(path.len() <= 3000
        && path.split('/').all(|part| part.len() <= 255)
        && plain(path) == path
        && ![JOURNAL, DRAFT].contains(&path))
}

fn refused_name(what: &str, path: &str) -> Failure {
    Failure::failed(format_args!("the service sent {what}: {}", plain(path)))
}

#[cfg(test)]
mod tests;
