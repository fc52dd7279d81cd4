//! Changes rings, several together.
//!
//! Invariant: every changed ring is whole before it takes the former one's place, and two commands do not change rings of one folder
//! at the same time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use clap::Args;
use hallpass_token::{Key, KeyRing};

use crate::failure::Failure;
use crate::output::plain;
use crate::rings::{RINGS, RingFile, ring_file};

/// Which rings to change.
#[derive(Debug, Clone, Args)]
#[group(id = "which", required = true, multiple = true)]
pub(crate) struct Which {
    /// The data folder of `hallpass up`: all its rings.
    #[arg(long, value_name = "DIR", conflicts_with = "ring", group = "which")]
    data: Option<PathBuf>,
    /// A ring; several are changed together.
    #[arg(long, value_name = "FILE", group = "which")]
    ring: Vec<PathBuf>,
}

/// Rings that this process alone may change.
#[derive(Debug)]
pub(crate) struct Rings {
    pub(crate) files: Vec<RingFile>,
    _locks: Vec<File>,
}

impl Which {
    /// Locks the rings and reads them.
    pub(super) fn open(&self) -> Result<Rings, Failure> {
        let paths: Vec<PathBuf> = match &self.data {
            Some(data) => RINGS.iter().map(|name| ring_file(data, name)).collect(),
            None => self.ring.clone(),
        };
        Rings::open(&paths)
    }
}

impl Rings {
    /// Locks the rings' folders and reads the rings.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut folders: Vec<_> = paths.iter().map(|path| folder_of(path)).collect();
        folders.sort_unstable();
        folders.dedup();
        let locks = folders.into_iter().map(lock).collect::<Result<_, _>>()?;
        let files = paths.iter().cloned().map(RingFile::read).collect::<Result<_, _>>()?;
        Ok(Self { files, _locks: locks })
    }

    /// The place of the ring that signs with a key.
    pub(super) fn owner_of(&self, kid: &str) -> Result<usize, Failure> {
        let signs = |file: &RingFile| file.ring.key(kid).is_some_and(Key::can_sign);
        self.files.iter().position(signs).ok_or_else(|| {
            let known = self.files.iter().any(|file| file.ring.key(kid).is_some());
            let problem = if known { "no ring here holds what signs" } else { "in no ring here" };
            Failure::failed(format_args!("key {}: {problem}", plain(kid)))
        })
    }

    /// Whether any ring has a key of this name.
    pub(super) fn have(&self, kid: &str) -> bool {
        self.files.iter().any(|file| file.ring.key(kid).is_some())
    }

    /// Changes one ring: each key becomes what `change` makes of it, and `more` are added.
    pub(crate) fn change(
        &mut self,
        place: usize,
        change: impl Fn(&Key) -> Key,
        more: Option<Key>,
    ) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(place) else { return Ok(()) };
        let keys = file.ring.keys().map(change).chain(more).collect();
        let ring = KeyRing::new(keys).map_err(|error| at(&file.path, &error))?;
        RingFile::write(&file.path, &ring)?;
        file.ring = ring;
        Ok(())
    }
}

/// A failure at a ring.
pub(super) fn at(path: &Path, problem: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("{}: {problem}", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| at(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(at(folder, &"another command is changing the rings here; right: wait for its end"))
        }
        Err(TryLockError::Error(error)) => Err(at(&path, &error)),
    }
}
