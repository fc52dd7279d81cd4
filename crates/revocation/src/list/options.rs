//! How a list is opened.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use hallpass_token::UnixTime;

/// Makes a file, or a folder's entries, safe from power loss.
pub(super) type Sync = Arc<dyn Fn(&File, Target) -> io::Result<()> + Send + std::marker::Sync>;

/// What is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A file's content.
    Content,
    /// A folder's entries.
    Folder,
}

/// How a list is opened: time and chance are arguments.
#[derive(Clone)]
pub struct Options {
    /// Random; the number of the store if a new one is made.
    pub new_epoch: [u8; 8],
    /// When: it names a broken store that is set aside.
    pub now: UnixTime,
    /// How much of the store sled keeps in memory, in bytes.
    pub cache_bytes: u64,
    /// How much a note may hold of each text, in bytes.
    pub note_bytes: usize,
    pub(super) sync: Sync,
}

impl Options {
    /// The usual options: 4 MiB of cache, which sled makes about 20 MiB of memory. More makes no write faster.
    pub fn new(new_epoch: [u8; 8], now: UnixTime) -> Self {
        Self { new_epoch, now, cache_bytes: 4 << 20, note_bytes: 1_024, sync: Arc::new(sync) }
    }
}

#[cfg(test)]
impl Options {
    /// Lets every sync end as a test wants it.
    pub(crate) fn set_sync(
        &mut self,
        sync: impl Fn() -> io::Result<()> + Send + std::marker::Sync + 'static,
    ) {
        self.sync = Arc::new(move |_, _| sync());
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("cache_bytes", &self.cache_bytes).finish_non_exhaustive()
    }
}

fn sync(file: &File, target: Target) -> io::Result<()> {
    match target {
        // fdatasync: also what is needed to find the content again, such as the length.
        Target::Content => file.sync_data(),
        Target::Folder => file.sync_all(),
    }
}
