//! Reads a node's ring anew whenever its file changes.
//!
//! Invariant: what cannot be a ring of this node never takes the place of one that can. The former ring stays, the log says what is
//! wrong, and the health name `keys` is `NOT_SERVING` until the file is right again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256, digest};
use hallpass_guard::Keys;
use hallpass_server::Ready;
use hallpass_telemetry::spawn_watched;
use hallpass_token::{Key, KeyState};
use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::rings::RingFile;
use crate::serve::ring_neighbours;

/// The health name that tells whether the ring's file is right.
pub(super) const HEALTH: &str = "keys";

/// Not every file system tells of changes: the file is looked at this often as well.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A ring file under watch.
pub(super) struct RingWatch {
    role: &'static str,
    file: PathBuf,
    keys: Keys,
    right: Arc<AtomicBool>,
    seen: Option<[u8; 32]>,
}

impl RingWatch {
    /// Reads a ring and watches its file from now on, on the current runtime. Tells later whether the file is right.
    pub(super) fn open(role: &'static str, file: PathBuf) -> Result<(Keys, Ready), Failure> {
        // Before it is read: a change in between is seen then.
        let seen = digest_of(&file);
        let ring = RingFile::read(file.clone())?;
        ring_neighbours::check(&ring)?;
        let keys = Keys::new(ring.ring);
        let right = Arc::new(AtomicBool::new(true));
        let watch = Self { role, file, keys: keys.clone(), right: Arc::clone(&right), seen };
        spawn_watched("watch over the key ring", watch.run());
        Ok((keys, Arc::new(move || right.load(Ordering::Relaxed))))
    }

    async fn run(mut self) {
        let (tell, mut told) = mpsc::channel(1);
        let watcher = watch_folder(&self.file, tell);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "the system tells of no changes of the key ring: it is looked at every 10 s");
        }
        let mut every = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                Some(()) = told.recv() => {}
            }
            // A secret that the ring refers to may be fetched from afar.
            tokio::task::block_in_place(|| self.look());
        }
    }

    fn look(&mut self) {
        let now = digest_of(&self.file);
        if now == self.seen {
            return;
        }
        self.seen = now;
        match self.read() {
            Ok(kids) => {
                self.right.store(true, Ordering::Relaxed);
                tracing::info!(role = self.role, kids, "the key ring is read anew");
            }
            Err(error) => {
                self.right.store(false, Ordering::Relaxed);
                tracing::error!(role = self.role, %error, "the key ring's file is broken: the former ring stays");
            }
        }
    }

    fn read(&self) -> Result<String, Failure> {
        let file = RingFile::read(self.file.clone())?;
        let signs = |key: &Key| {
            key.owner() == self.role && key.state() == KeyState::Active && key.can_sign()
        };
        if !file.ring.keys().any(signs) {
            let problem =
                format_args!("no active key signs for {}; right: one that does", self.role);
            return Err(Failure::failed(format_args!("{}: {problem}", self.file.display())));
        }
        ring_neighbours::check(&file)?;
        let kids: Vec<_> = file.ring.keys().map(|key| key.kid().to_owned()).collect();
        self.keys.reload(file.ring);
        Ok(kids.join(" "))
    }
}

/// Tells of every change in the file's folder: a file that is replaced by another of its name is not the file that was watched.
fn watch_folder(file: &Path, tell: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // To read the file is an event, too: whoever reads it for that would read it for ever.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            // One change that nobody has looked at yet stands for all.
            let _ = tell.try_send(());
        }
    })?;
    let folder = file.parent().unwrap_or(Path::new("."));
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Of the ring and of those beside it: what is wrong between two of them is mended in either.
fn digest_of(file: &Path) -> Option<[u8; 32]> {
    let mut hash = Context::new(&SHA256);
    hash.update(digest(&SHA256, &std::fs::read(file).ok()?).as_ref());
    for beside in ring_neighbours::beside(file) {
        let bytes = std::fs::read(beside).unwrap_or_default();
        hash.update(digest(&SHA256, &bytes).as_ref());
    }
    hash.finish().as_ref().try_into().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;
    use crate::serve::keys::KeyFiles;

    #[test]
    fn a_ring_with_another_issuers_key_name_is_not_taken_and_health_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::of(folder.path());
        files.make().unwrap();
        let (role, file) = ("labeler", files.labeler());
        let keys = Keys::new(RingFile::read(file.clone()).unwrap().ring);
        let right = Arc::new(AtomicBool::new(true));
        let mut watch = RingWatch {
            role,
            seen: digest_of(&file),
            keys: keys.clone(),
            right: Arc::clone(&right),
            file: file.clone(),
        };
        let good = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, good.replace("labeler-1", "agents-1")).unwrap();
        watch.look();
        assert!(!right.load(Ordering::Relaxed));
        assert!(keys.ring().key("labeler-1").is_some(), "the former ring stays");
        // Mended in the ring beside it, it is taken.
        let beside = std::fs::read_to_string(files.platform()).unwrap();
        std::fs::write(files.platform(), beside.replace("agents-1", "agents-2")).unwrap();
        watch.look();
        assert!(right.load(Ordering::Relaxed));
        assert!(keys.ring().key("agents-1").is_some());
    }
}
