//! Makes a dataset of a folder that the server can read.
//!
//! Invariant: nothing outside a configured root is ever opened: names are resolved beneath the root's handle, link by link. Symbolic
//! links and special files are refused by name. A call that is dropped leaves nothing.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry};
use hallpass_formats::DEEPEST_PATH;
use hallpass_policy::Permit;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::datasets::store::{Begun, Datasets, subject_of};
use crate::error::Error;
use crate::model::dataset::Dataset;
use crate::model::spec::Spec;
use crate::settings::MAX_PIECE;
use crate::uploads::store::maker;
use crate::uploads::stream::Message;
use crate::uploads::writer::Piece;
use hallpass_formats::{FilePath, is_left_behind, shown};

/// Which folder, as a client says it.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name of a root.
    pub(crate) root: String,
    /// The folder beneath it; empty for the root itself.
    pub(crate) path: String,
}

/// So many pieces wait for the store; then the disk is read no further.
const WAITING: usize = 2;

type Pieces = mpsc::Sender<Result<Message, Error>>;

impl Datasets {
    /// Makes a dataset from a folder. Ends with the call: one that is dropped leaves nothing.
    pub(crate) async fn import(
        self: &Arc<Self>,
        permit: &Permit,
        spec: Spec,
        source: Source,
    ) -> Result<Dataset, Error> {
        maker(permit, &spec, &self.settings)?;
        let root = self.root(&source.root)?;
        let turn = self.walking.turn(subject_of(permit)?).await?;
        let begun = self.create(permit, spec).await.map_err(Error::outside_start)?;
        let upload = match begun {
            Begun::Already(dataset) => return Ok(*dataset),
            Begun::Upload(upload) => upload,
        };
        let (to, pieces) = mpsc::channel(WAITING);
        let most = self.settings.max_files;
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let walked = Walk { to: to.clone(), left: most }.run(&root, &source.path);
            if let Err(Stop::Because(error)) = walked {
                // Nobody may be listening any more.
                let _ = to.blocking_send(Err(error));
            }
        });
        upload.store(ReceiverStream::new(pieces)).await
    }

    fn root(&self, name: &str) -> Result<PathBuf, Error> {
        let roots = &self.settings.import_roots;
        roots.get(name).cloned().ok_or_else(|| {
            let known = roots.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let right = match known.as_str() {
                "" => "this server has none".to_owned(),
                known => format!("right: {known}"),
            };
            Error::invalid("root", format!("is no root of this server; {right}"))
        })
    }
}

/// Why a walk ends early.
enum Stop {
    /// Something is wrong.
    Because(Error),
    /// Nobody wants any more.
    Unwanted,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Because(error)
    }
}

struct Walk {
    to: Pieces,
    /// How many files there may still be.
    left: usize,
}

impl Walk {
    fn run(mut self, root: &PathBuf, path: &str) -> Result<(), Stop> {
        let failed = |error: io::Error| unreadable("", &error);
        let root = Dir::open_ambient_dir(root, ambient_authority()).map_err(failed)?;
        let folder = beneath(root, path)?;
        let mut waiting = vec![(folder, String::new())];
        while let Some((folder, prefix)) = waiting.pop() {
            for entry in self.entries(&folder, &prefix)? {
                let name = entry.file_name().into_string().map_err(|name| {
                    refused(&format!("{prefix}{}", name.to_string_lossy()), "its name is not UTF-8")
                })?;
                let path = format!("{prefix}{name}");
                let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
                let is_left = is_left_behind(&path);
                if is_left || (kind.is_dir() && is_left_behind(&format!("{path}/x"))) {
                    tracing::info!(path, "skipped: a system left it behind");
                } else if kind.is_symlink() {
                    return Err(refused(&path, LINK).into());
                } else if kind.is_dir() && path.split('/').count() < DEEPEST_PATH {
                    let inner = entry.open_dir().map_err(|error| unreadable(&path, &error))?;
                    waiting.push((inner, format!("{path}/")));
                } else if kind.is_dir() {
                    return Err(refused(&path, "lies too deep: a path has at most 32 parts").into());
                } else if kind.is_file() {
                    self.file(&entry, &path)?;
                } else {
                    return Err(refused(&path, "is neither a file nor a folder").into());
                }
            }
        }
        Ok(())
    }

    /// What is in a folder, by name.
    fn entries(&mut self, folder: &Dir, prefix: &str) -> Result<Vec<DirEntry>, Stop> {
        let failed = |error: io::Error| unreadable(prefix, &error);
        let mut entries = Vec::new();
        for entry in folder.entries().map_err(failed)? {
            if self.left == 0 {
                let problem = "has too many files".to_owned();
                return Err(Error::UploadRefused(problem).into());
            }
            self.left -= 1;
            entries.push(entry.map_err(failed)?);
        }
        entries.sort_by_key(DirEntry::file_name);
        Ok(entries)
    }

    fn file(&self, entry: &DirEntry, path: &str) -> Result<(), Stop> {
        let failed = |error: io::Error| unreadable(path, &error);
        let mut file = entry.open().map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(refused(path, "is neither a file nor a folder").into());
        }
        let mut is_first = true;
        loop {
            let mut piece = BytesMut::zeroed(MAX_PIECE);
            let length = read_full(&mut file, &mut piece).map_err(failed)?;
            if length == 0 && !is_first {
                return Ok(());
            }
            is_first = false;
            piece.truncate(length);
            self.send(path, piece.freeze())?;
            if length < MAX_PIECE {
                return Ok(());
            }
        }
    }

    fn send(&self, path: &str, data: Bytes) -> Result<(), Stop> {
        let piece = Piece { path: path.to_owned(), data };
        self.to.blocking_send(Ok(Message::Piece(piece))).map_err(|_| Stop::Unwanted)
    }
}

const LINK: &str = "is a symbolic link; right: the file itself";

/// A folder beneath another, reached part by part.
fn beneath(mut folder: Dir, path: &str) -> Result<Dir, Error> {
    if path.is_empty() {
        return Ok(folder);
    }
    let parsed = FilePath::parse(path).map_err(|problem| {
        Error::invalid("path", format!("names no folder beneath the root: {problem}"))
    })?;
    for part in parsed.as_str().split('/') {
        let wrong = |problem: &str| Error::invalid("path", format!("{}: {problem}", shown(part)));
        let found = folder.symlink_metadata(part).map_err(|_| wrong("is not there"))?;
        if found.is_symlink() {
            return Err(wrong("is a symbolic link"));
        }
        if !found.is_dir() {
            return Err(wrong("is no folder"));
        }
        folder = folder.open_dir(part).map_err(|_| wrong("cannot be opened"))?;
    }
    Ok(folder)
}

/// Fills the piece as far as the file goes.
fn read_full(file: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < piece.len() {
        match file.read(&mut piece[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn refused(path: &str, problem: &str) -> Error {
    Error::FileRefused { path: shown(path), problem: problem.to_owned() }
}

fn unreadable(path: &str, error: &io::Error) -> Error {
    refused(path, &format!("cannot be read by the server ({})", error.kind()))
}
