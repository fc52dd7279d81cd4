//! Opens the store, whatever state a crash has left it in.
//!
//! Invariant: an error that may pass (in use, no right, disk full, a newer format) changes nothing on disk. Only a store that is
//! surely broken is set aside, never deleted, and the new one remembers that until the loss is accepted. A store that is opened again
//! by the process that had it open is never set aside, and holds what that process has acknowledged, or does not count as open.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_token::UnixTime;

use crate::Index;

use super::codec::FORMAT;
use super::durability::{Files, copy_log, write_again};
use super::error::{OpenError, StoreError};
use super::options::Options;
use super::store::{Meta, Store};
use super::witness::Witness;

/// How long to wait for a store that is still locked: a second in all.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// sled's small file of parameters. It writes it anew where it is missing.
const PARAMETERS: &str = "conf";
const PARAMETERS_DAMAGED: &str = "the database's parameters are damaged";

/// What was found on opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// The store as it was left.
    Existing,
    /// There was none; this one is new.
    Created,
    /// The store was broken: this one replaces it and lacks what it held. An issuer must refuse until that is dealt with; a
    /// follower fills it from the feed.
    Fresh {
        /// Where the broken one is.
        set_aside: PathBuf,
    },
}

/// An open store and what was read from it.
pub(super) struct Loaded {
    pub(super) folder: PathBuf,
    pub(super) store: Store,
    pub(super) meta: Meta,
    pub(super) superseded: Vec<u64>,
    pub(super) files: Files,
    pub(super) opened: Opened,
}

/// Why an attempt failed.
enum Failure {
    /// Trying again in another way may help.
    Broken(String),
    /// Nothing on disk may be touched.
    Refused(OpenError),
}

/// Opens the store in `folder`: as it is; else without sled's snapshots; else it is set aside and a new one is made.
pub(super) fn open(folder: &Path, options: &Options, index: &Index) -> Result<Loaded, OpenError> {
    prepare(folder)?;
    // The whole name, so that it can be set aside wherever the process stands.
    let folder = &folder.canonicalize().map_err(failed(folder, "be found"))?;
    let cause = match attempt_twice(folder, options, index) {
        Ok(loaded) => return Ok(loaded),
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Broken(cause)) => cause,
    };
    let aside = set_aside(folder, options.now).map_err(failed(folder, "be set aside"))?;
    tracing::error!(folder = %folder.display(), aside = %aside.display(), cause, "revocations: store lost");
    prepare(folder)?;
    attempt(folder, options, index).map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Broken(cause) => failed(folder, "be made anew")(io::Error::other(cause)),
    })
}

/// Frees the store from the lock of a database that this process has left behind: the lock stays with the log's old file.
pub(super) fn leave_lock(folder: &Path, options: &Options) -> Result<(), OpenError> {
    copy_log(folder, &options.sync).map_err(failed(folder, "have its log copied"))
}

/// Opens the store again after a failure, in the process that had it open and has acknowledged what `known` says. What lies on the disk is
/// unknown until it was written and synced once more.
pub(super) fn again(
    folder: &Path,
    options: &Options,
    index: &Index,
    known: Witness,
) -> Result<Loaded, OpenError> {
    prepare(folder)?;
    write_again(folder, &options.sync).map_err(failed(folder, "be written again"))?;
    let broken = |cause: String| failed(folder, "be opened again")(io::Error::other(cause));
    let loaded = attempt_twice(folder, options, index).map_err(|failure| match failure {
        Failure::Refused(error) => error,
        Failure::Broken(cause) => broken(cause),
    })?;
    known.missing(Some(&loaded.meta)).map_or(Ok(loaded), |lost| Err(broken(lost.to_owned())))
}

/// As it is, else without sled's snapshots.
fn attempt_twice(folder: &Path, options: &Options, index: &Index) -> Result<Loaded, Failure> {
    let first = match attempt(folder, options, index) {
        Err(Failure::Broken(cause)) => cause,
        other => return other,
    };
    let refused = |doing| move |source| Failure::Refused(failed(folder, doing)(source));
    tracing::warn!(folder = %folder.display(), cause = first, "revocations: trying without snapshots");
    remove_snapshots(folder, |_| true).map_err(refused("drop its snapshots"))?;
    if first == PARAMETERS_DAMAGED {
        fs::remove_file(folder.join(PARAMETERS)).map_err(refused("drop its parameters"))?;
    }
    prepare(folder).map_err(Failure::Refused)?;
    attempt(folder, options, index)
}

/// Makes the folder, makes sure that no one else has it, and drops what a crash has left half-written.
pub(super) fn prepare(folder: &Path) -> Result<(), OpenError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(failed(folder, "make its folder"))?;
    match File::open(folder.join("db")) {
        Ok(log) => wait_until_free(folder, &log)?,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(failed(folder, "be read")(source)),
    }
    remove_snapshots(folder, |name| name.ends_with(".generating"))
        .map_err(failed(folder, "drop half-written snapshots"))
}

/// Waits a little: sled's own threads let go of a store some time after it was closed.
fn wait_until_free(folder: &Path, log: &File) -> Result<(), OpenError> {
    for _ in 0..LOCK_TRIES {
        match log.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(failed(folder, "be locked")(source)),
        }
    }
    Err(OpenError::InUse(folder.to_owned()))
}

fn attempt(folder: &Path, options: &Options, index: &Index) -> Result<Loaded, Failure> {
    let trying = AssertUnwindSafe(|| try_open(folder, options, index));
    catch_unwind(trying).unwrap_or_else(|_| Err(Failure::Broken("the database panicked".into())))
}

fn try_open(folder: &Path, options: &Options, index: &Index) -> Result<Loaded, Failure> {
    let refused = |doing| move |source| Failure::Refused(failed(folder, doing)(source));
    let store = Store::new(database(folder, options).map_err(|error| judge(folder, error.into()))?);
    let found = store.meta().map_err(|error| judge(folder, error))?;
    if let Some(Meta { format, .. }) = found.as_ref().filter(|meta| meta.format > FORMAT) {
        let folder = folder.to_owned();
        return Err(Failure::Refused(OpenError::NewerFormat {
            folder,
            found: *format,
            known: FORMAT,
        }));
    }
    if let Some(lost) = Witness::read(folder).and_then(|seen| seen.missing(found.as_ref())) {
        return Err(Failure::Broken(lost.to_owned()));
    }
    let new = found.is_none();
    let meta = match found {
        Some(meta) if meta.format < FORMAT => {
            upgraded(&store, meta).map_err(|error| judge(folder, error))?
        }
        Some(meta) => meta,
        None => make(folder, &store, options).map_err(|error| judge(folder, error))?,
    };
    let superseded = store.superseded().map_err(|error| judge(folder, error))?;
    store.load(superseded.len(), index).map_err(|error| judge(folder, error))?;
    let sync = &options.sync;
    let files = Files::open(folder, sync.clone()).map_err(refused("be synced"))?;
    let witness = Witness { epoch: meta.epoch, sequence: meta.sequence };
    witness.write(folder, sync).map_err(refused("write its witness"))?;
    let opened = match &meta.lost {
        Some(aside) => Opened::Fresh { set_aside: folder.with_file_name(aside) },
        None if new => Opened::Created,
        None => Opened::Existing,
    };
    let folder = folder.to_owned();
    Ok(Loaded { folder, store, meta, superseded, files, opened })
}

fn database(folder: &Path, options: &Options) -> sled::Result<sled::Db> {
    sled::Config::new()
        .path(folder)
        .cache_capacity(options.cache_bytes)
        // Every change is flushed by the writer; a second flusher would rewrite pages between two syncs.
        .flush_every_ms(None)
        .open()
}

/// Makes an empty database a store. Where one was set aside before and its successor never came to be, that is remembered too.
fn make(folder: &Path, store: &Store, options: &Options) -> Result<Meta, StoreError> {
    let meta = Meta::new(options.new_epoch, newest_set_aside(folder));
    store.write(meta.to_batch())?;
    Ok(meta)
}

/// What an earlier program wrote, this one reads; what this one writes, an earlier one may not.
fn upgraded(store: &Store, meta: Meta) -> Result<Meta, StoreError> {
    store.set_format(FORMAT)?;
    Ok(Meta { format: FORMAT, ..meta })
}

fn judge(folder: &Path, error: StoreError) -> Failure {
    use sled::Error::{Corruption, Io, ReportableBug, Unsupported};
    match error {
        StoreError::Record(what) => Failure::Broken(what.to_owned()),
        StoreError::Sync(source) => Failure::Refused(failed(folder, "be synced")(source)),
        StoreError::Closed | StoreError::Panicked => Failure::Broken(error.to_string()),
        StoreError::Sled(error @ (Corruption { .. } | ReportableBug(_))) => {
            Failure::Broken(error.to_string())
        }
        StoreError::Sled(Unsupported(_)) if !checksum_fits(&folder.join(PARAMETERS)) => {
            Failure::Broken(PARAMETERS_DAMAGED.to_owned())
        }
        StoreError::Sled(Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData
            ) =>
        {
            Failure::Broken(error.to_string())
        }
        StoreError::Sled(source) => {
            Failure::Refused(OpenError::Database { folder: folder.to_owned(), source })
        }
    }
}

/// Whether sled's file of parameters is as it was written: its last four bytes are the checksum of the others. Another version's is.
fn checksum_fits(parameters: &Path) -> bool {
    let bytes = fs::read(parameters).unwrap_or_default();
    let parts = bytes.split_last_chunk();
    parts.is_some_and(|(text, sum)| crc32fast::hash(text) == u32::from_le_bytes(*sum))
}

fn remove_snapshots(folder: &Path, which: impl Fn(&str) -> bool) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        let name = item.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && which(&name) {
            fs::remove_file(item.path())?;
        }
    }
    Ok(())
}

/// Renames the folder. Of two in one second the later gets a number.
fn set_aside(folder: &Path, now: UnixTime) -> io::Result<PathBuf> {
    let name = broken_prefix(folder);
    let plain = folder.with_file_name(format!("{name}{now}"));
    let numbered = (1..100).map(|n| folder.with_file_name(format!("{name}{now}-{n}")));
    let free = std::iter::once(plain).chain(numbered).find(|path| !path.exists());
    let aside = free.ok_or(io::ErrorKind::AlreadyExists)?;
    fs::rename(folder, &aside)?;
    Ok(aside)
}

fn newest_set_aside(folder: &Path) -> Option<String> {
    let prefix = broken_prefix(folder);
    let beside = fs::read_dir(folder.parent()?).ok()?;
    let names = beside.filter_map(|item| item.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with(&prefix)).max()
}

fn broken_prefix(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}.broken-")
}

fn failed(folder: &Path, doing: &'static str) -> impl Fn(io::Error) -> OpenError {
    let folder = folder.to_owned();
    move |source| OpenError::Folder { folder: folder.clone(), doing, source }
}
