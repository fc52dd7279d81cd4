//! Space on the disk that ordinary writes leave free, so that the writes that must not fail have it: revocations, deletions, sweeps.
//!
//! Invariant: bytes that are about to be written count as written, so that writes side by side do not use up the reserve together.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The reserve, unless it is configured: a hundredth of the file system within these bounds, and never more than a tenth of it.
const LEAST: u64 = 256 << 20;
const MOST: u64 = 4 << 30;

/// How often the log says that writes are refused.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// The space of one file system and the reserve that ordinary writes leave in it. Clones share everything.
#[derive(Clone)]
pub struct Space {
    look: Arc<dyn Fn() -> io::Result<Room> + Send + Sync>,
    keep: Option<u64>,
    /// How many bytes are about to be written.
    taken: Arc<AtomicU64>,
    said: Arc<Mutex<Said>>,
}

/// What a file system has, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) free: u64,
    pub(crate) size: u64,
}

/// When the log said last that writes are refused, and how many were since.
#[derive(Debug, Default)]
struct Said {
    at: Option<Instant>,
    refused: u64,
}

/// Bytes that are about to be written. To be dropped when they are, or will not be.
#[derive(Debug)]
#[must_use = "dropped, the bytes count as written"]
pub struct Taken {
    bytes: u64,
    of: Arc<AtomicU64>,
}

/// There is too little space for an ordinary write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's disk is nearly full: try again later, or delete what is not needed")]
pub struct NoSpace {
    /// How many bytes are free.
    pub free: u64,
    /// How many are kept free.
    pub keep: u64,
}

impl Space {
    /// The file system that a folder is on, and how many bytes are kept free of it; by default a hundredth of its size, from 256 MiB to
    /// 4 GiB and a tenth of it at most.
    pub fn of(folder: &Path, keep: Option<u64>) -> Self {
        let folder = folder.to_owned();
        let look = move || {
            let found = rustix::fs::statvfs(&folder)?;
            let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            Ok(Room { free: bytes(found.f_bavail), size: bytes(found.f_blocks) })
        };
        Self::looked_at(look, keep)
    }

    pub(crate) fn looked_at(
        look: impl Fn() -> io::Result<Room> + Send + Sync + 'static,
        keep: Option<u64>,
    ) -> Self {
        Self { look: Arc::new(look), keep, taken: Arc::default(), said: Arc::default() }
    }

    /// Takes space for an ordinary write; nothing may be taken, to ask whether any such write is welcome.
    pub fn take(&self, bytes: u64) -> Result<Taken, NoSpace> {
        let before = self.taken.fetch_add(bytes, Ordering::AcqRel);
        let taken = Taken { bytes, of: Arc::clone(&self.taken) };
        // A file system that cannot be asked refuses the write itself.
        let Ok(room) = (self.look)() else { return Ok(taken) };
        let keep = self.kept(room);
        if room.free >= keep.saturating_add(before).saturating_add(bytes) {
            return Ok(taken);
        }
        self.say(room, keep);
        Err(NoSpace { free: room.free, keep })
    }

    /// Whether half of the reserve is gone, so that whoever writes without asking has to end.
    pub fn running_out(&self) -> Option<NoSpace> {
        let room = (self.look)().ok()?;
        let keep = self.kept(room);
        (room.free < keep / 2).then_some(NoSpace { free: room.free, keep })
    }

    fn kept(&self, room: Room) -> u64 {
        self.keep.unwrap_or_else(|| (room.size / 100).clamp(LEAST, MOST).min(room.size / 10))
    }

    fn say(&self, room: Room, keep: u64) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.refused += 1;
        if said.at.is_some_and(|at| at.elapsed() < SAY_EVERY) {
            return;
        }
        let refused = std::mem::take(&mut said.refused);
        said.at = Some(Instant::now());
        tracing::warn!(
            refused,
            free_bytes = room.free,
            keep_free_bytes = keep,
            "the disk is nearly full: ordinary writes are refused; free some space"
        );
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("keep", &self.keep).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "a failure here fails the test")]

    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    use crate::testing::space;

    #[test]
    fn the_reserve_fits_the_file_system() {
        for (size, kept) in [
            (100 * MIB, 10 * MIB),
            (10 * GIB, 256 * MIB),
            (100 * GIB, GIB),
            (10_000 * GIB, 4 * GIB),
        ] {
            let space = space(&Arc::default(), None);
            assert_eq!(space.kept(Room { free: 0, size }), kept, "{size}");
        }
    }

    #[test]
    fn writes_side_by_side_leave_the_reserve_alone() {
        let free = Arc::new(AtomicU64::new(100));
        let space = space(&free, Some(40));
        let first = space.take(50).expect("it fits");
        assert_eq!(space.clone().take(11).map(drop), Err(NoSpace { free: 100, keep: 40 }));
        drop(space.take(10).expect("it fits beside the first"));
        free.store(50, Ordering::Relaxed);
        drop(first);
        drop(space.take(10).expect("what was refused or is written takes nothing any more"));
        assert!(space.take(11).is_err() && space.running_out().is_none());
    }

    #[test]
    fn a_disk_that_others_fill_takes_nothing_until_there_is_room_again() {
        let free = Arc::new(AtomicU64::new(39));
        let space = space(&free, Some(40));
        assert!(space.take(0).is_err() && space.running_out().is_none());
        free.store(19, Ordering::Relaxed);
        assert!(space.running_out().is_some());
        free.store(40, Ordering::Relaxed);
        assert!(space.take(0).is_ok());
    }

    #[test]
    fn a_file_system_that_cannot_be_asked_is_not_taken_for_a_full_one() {
        let space = Space::of(Path::new("/no/such/folder"), Some(u64::MAX));
        assert!(space.take(1).is_ok() && space.running_out().is_none());
        let folder = tempfile::tempdir().expect("a folder");
        let space = Space::of(folder.path(), Some(u64::MAX));
        assert!(space.take(0).is_err() && space.running_out().is_some());
    }
}
