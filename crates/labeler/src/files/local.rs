//! What only the file system knows of a local folder of files.

use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;

/// A folder of this machine.
#[derive(Debug, Clone)]
pub(super) struct Local {
    root: PathBuf,
}

impl Local {
    /// Makes the folder, and the one in it that the files will be in.
    pub(super) fn open(root: &Path, folder: &str) -> io::Result<(Self, LocalFileSystem)> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(root.join(folder))?;
        // On Linux, one `syncfs` before the commit stands for an fsync of each file.
        let store =
            LocalFileSystem::new_with_prefix(root)?.with_fsync(cfg!(not(target_os = "linux")));
        Ok((Self { root: root.to_owned() }, store))
    }

    /// Removes a folder and all that is in it, if there is one.
    pub(super) async fn remove(&self, folder: &str) -> io::Result<()> {
        absent_is_fine(tokio::fs::remove_dir_all(self.root.join(folder)).await)
    }

    /// The names of what is in a folder; none if there is no such folder.
    pub(super) async fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut entries = match tokio::fs::read_dir(self.root.join(folder)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries?,
        };
        while let Some(entry) = entries.next_entry().await? {
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }

    /// Removes what was begun to be written under this number and never ended: the store writes beside, then renames.
    pub(super) async fn remove_begun(&self, folder: &str, number: u64) -> io::Result<()> {
        let begun = format!("{number}#");
        for name in self.names(folder).await?.iter().filter(|name| name.starts_with(&begun)) {
            absent_is_fine(tokio::fs::remove_file(self.root.join(folder).join(name)).await)?;
        }
        Ok(())
    }

    /// When something last came to a folder or left it, in seconds since 1970; 0 if there is none.
    pub(super) async fn touched(&self, folder: &str) -> io::Result<u64> {
        let found = tokio::fs::metadata(self.root.join(folder)).await;
        let modified = match found.and_then(|folder| folder.modified()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            modified => modified?,
        };
        let since = modified.duration_since(std::time::UNIX_EPOCH);
        Ok(since.map_or(0, |since| since.as_secs()))
    }

    /// Whether the folder can be read.
    pub(super) async fn ping(&self, folder: &str) -> io::Result<()> {
        tokio::fs::read_dir(self.root.join(folder)).await.map(|_| ())
    }

    /// Returns once everything written so far survives a power failure.
    pub(super) async fn sync(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            let root = self.root.clone();
            let synced = tokio::task::spawn_blocking(move || {
                Ok(rustix::fs::syncfs(std::fs::File::open(root)?)?)
            });
            synced.await.unwrap_or_else(|lost| Err(io::Error::other(lost)))
        }
        #[cfg(not(target_os = "linux"))]
        Ok(())
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
