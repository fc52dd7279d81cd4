//! What can go wrong with the list.

use std::path::PathBuf;

/// The list could not be opened. Nothing was changed or set aside.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be used.
    #[error("the revocation list in {} cannot {doing}: {source}", .folder.display())]
    Folder {
        /// The list's folder.
        folder: PathBuf,
        /// What failed.
        doing: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("the revocation list in {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// It was written by a later version of this program.
    #[error(
        "the revocation list in {} has format {found}; this program knows up to {known}: use a newer one", .folder.display()
    )]
    NewerFormat {
        /// The list's folder.
        folder: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The database refuses, though it does not seem to be broken.
    #[error("the revocation list in {} cannot be opened: {source}", .folder.display())]
    Database {
        /// The list's folder.
        folder: PathBuf,
        /// The cause.
        source: sled::Error,
    },
}

/// A change was not made, or cannot be relied upon. Nothing was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// It could not be made durable, or the disk has failed and the list is being opened again. Try again: the list recovers by itself.
    #[error("the revocation list cannot make entries durable: {0}")]
    Unhealthy(String),
    /// The disk answers nothing for the time being. Whether the entry will be kept is unknown.
    #[error("the disk has not answered for {0} s")]
    Silent(u64),
    /// The entry is durable and in force here, but what carries it to the other nodes has not taken it in time.
    #[error("the entry is kept and in force here, but it cannot be carried to the other nodes yet")]
    NotCarried,
    /// The list has been closed.
    #[error("the revocation list is closed")]
    Stopped,
    /// The note is longer than the store keeps.
    #[error("a note's reason or author is longer than the store keeps")]
    NoteTooLong,
}

/// Entries could not be read for a feed or an operator.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The position is of another store or beyond this one: only a snapshot helps.
    #[error("the position is not of this list; it needs a snapshot")]
    NeedSnapshot,
    /// The store cannot be read.
    #[error("the revocation list cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// What reading the store can meet.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// sled's own.
    #[error(transparent)]
    Sled(#[from] sled::Error),
    /// The operating system could not make it durable.
    #[error("sync failed: {0}")]
    Sync(std::io::Error),
    /// The database is being opened again after a failure.
    #[error("the database is being opened again")]
    Closed,
    /// sled has panicked.
    #[error("the database panicked")]
    Panicked,
    /// A record that this program cannot have written.
    #[error("a record is broken: {0}")]
    Record(&'static str),
}
