//! Where the files that jobs have made are kept, in a folder or a bucket.
//!
//! Invariant: what a job is said to have made is whole: the list of its files, with their hashes, is written last, and nothing is read
//! that is not in it.

use std::fmt::{self, Write as _};
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use futures_util::TryStreamExt as _;
use hallpass_formats::is_refused;
use hallpass_store::{NoSpace, Space, Taken};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::codegen::Bytes;

/// So much of a file is in memory while it is copied.
const PIECE: usize = 1 << 20;

/// How much is read at a time of a folder, and of another store, whose every answer takes its time.
const FOLDER_READ: u64 = 64 << 10;
const STORE_READ: u64 = 256 << 10;

/// The files that jobs have made. Clones share everything.
#[derive(Clone)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
    read_at_once: u64,
    /// Of a folder's disk.
    space: Option<Space>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFile {
    /// Its path among the job's files.
    pub path: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// Why files cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The store does not have what it should: it is another one, or was cleared.
    #[error("the store has no files of this job")]
    Absent,
    /// The store does not answer, or what it has is damaged.
    #[error("{0}")]
    Store(String),
}

impl Artifacts {
    /// In a folder, which has to be there, and of whose disk this is the space.
    pub fn folder(root: &Path, space: Space) -> Result<Self, object_store::Error> {
        let store = Arc::new(LocalFileSystem::new_with_prefix(root)?);
        Ok(Self { store, read_at_once: FOLDER_READ, space: Some(space) })
    }

    /// In another store, below a prefix that may be empty.
    pub fn below(store: impl ObjectStore, prefix: &str) -> Self {
        let store = Arc::new(PrefixStore::new(store, prefix));
        Self { store, read_at_once: STORE_READ, space: None }
    }

    /// Where a job's files are.
    pub(crate) fn place(job_id: &str) -> String {
        format!("jobs/{job_id}")
    }

    /// Keeps a copy of a file.
    pub(crate) async fn keep(
        &self,
        job_id: &str,
        mut from: File,
        path: &str,
    ) -> io::Result<ArtifactFile> {
        let mut out = BufWriter::new(Arc::clone(&self.store), location(job_id, path));
        match self.copied(&mut from, &mut out).await {
            Ok((size_bytes, sha256)) => {
                out.shutdown().await?;
                Ok(ArtifactFile { path: path.to_owned(), size_bytes, sha256 })
            }
            Err(error) => {
                // What was begun would be paid for; the error that matters is the first.
                let _ = out.abort().await;
                Err(error)
            }
        }
    }

    /// Keeps the list of a job's files: now they are there.
    pub(crate) async fn conclude(
        &self,
        job_id: &str,
        files: &[ArtifactFile],
    ) -> Result<(), ArtifactError> {
        let list = serde_json::to_vec(files).map_err(|error| damaged(&error))?;
        self.store.put(&list_of(job_id), list.into()).await.map(drop).map_err(failed)
    }

    /// The files of a job, in the order of their paths.
    pub async fn files(&self, job_id: &str) -> Result<Vec<ArtifactFile>, ArtifactError> {
        let list = self.store.get(&list_of(job_id)).await.map_err(failed)?;
        let list = list.bytes().await.map_err(failed)?;
        serde_json::from_slice(&list).map_err(|error| damaged(&error))
    }

    /// Removes what a job has made, its list first. A job that has made nothing has nothing to remove.
    pub async fn remove(&self, job_id: &str) -> Result<(), ArtifactError> {
        match self.store.delete(&list_of(job_id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        let folder: ObjectPath = ["jobs", job_id].into_iter().collect();
        let files: Vec<_> = self.store.list(Some(&folder)).try_collect().await.map_err(failed)?;
        for file in files {
            self.store.delete(&file.location).await.map_err(failed)?;
        }
        Ok(())
    }

    /// How many bytes of a file are best read at a time.
    pub const fn read_at_once(&self) -> u64 {
        self.read_at_once
    }

    /// Takes the space of bytes that are about to be kept here. Another store takes nothing of this disk.
    pub(crate) fn room_for(&self, bytes: u64) -> Result<Option<Taken>, NoSpace> {
        self.space.as_ref().map(|space| space.take(bytes)).transpose()
    }

    /// A piece of a file.
    pub async fn read(
        &self,
        job_id: &str,
        path: &str,
        range: Range<u64>,
    ) -> Result<Bytes, ArtifactError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let wanted = range.end - range.start;
        let piece = self.store.get_range(&location(job_id, path), range).await.map_err(failed)?;
        if piece.len() as u64 != wanted {
            return Err(ArtifactError::Store(format!("{path} of {job_id} is too short")));
        }
        Ok(piece)
    }

    async fn copied(&self, from: &mut File, out: &mut BufWriter) -> io::Result<(u64, [u8; 32])> {
        let (mut piece, mut hash, mut length) = (vec![0; PIECE], Context::new(&SHA256), 0);
        loop {
            let read = from.read(&mut piece).await?;
            if read == 0 {
                break;
            }
            let _taken = self.room_for(read as u64).map_err(io::Error::other)?;
            hash.update(&piece[..read]);
            out.write_all(&piece[..read]).await?;
            length += read as u64;
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(hash.finish().as_ref());
        Ok((length, sha256))
    }
}

/// Why nobody could tell a file of this name from another; `None` where somebody could.
pub(crate) fn name_problem(path: &str) -> Option<&'static str> {
    let hides = path.chars().any(|c| c != '\\' && is_refused(c));
    hides.then_some("has a control character or an invisible one in its name")
}

/// Where a file is. A store writes each byte that is not ASCII as three, so that a name may be too long for a file system or for S3; such a file has
/// the hash of its path for a name.
fn location(job_id: &str, path: &str) -> ObjectPath {
    /// What file systems take for a part, and what S3 takes for a key beside its prefix.
    const LONGEST: (usize, usize) = (255, 900);
    let plain: ObjectPath = ["jobs", job_id].into_iter().chain(path.split('/')).collect();
    let fits = plain.as_ref().len() <= LONGEST.1
        && plain.parts().all(|part| part.as_ref().len() <= LONGEST.0);
    if fits {
        return plain;
    }
    let hash = digest(&SHA256, path.as_bytes());
    let mut name = String::with_capacity(64);
    for byte in hash.as_ref() {
        // Into a text nothing fails.
        let _ = write!(name, "{byte:02x}");
    }
    ["jobs", job_id, ".long", &name].into_iter().collect()
}

/// Beside the files, so that no file has its name.
fn list_of(job_id: &str) -> ObjectPath {
    ["jobs".to_owned(), format!("{job_id}.json")].into_iter().collect()
}

fn failed(error: object_store::Error) -> ArtifactError {
    match error {
        object_store::Error::NotFound { .. } => ArtifactError::Absent,
        error => ArtifactError::Store(error.to_string()),
    }
}

fn damaged(error: &serde_json::Error) -> ArtifactError {
    ArtifactError::Store(format!("a list of files: {error}"))
}

impl fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Artifacts")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    async fn open(made: &tempfile::TempDir, name: &str) -> File {
        File::open(made.path().join(name)).await.unwrap()
    }

    #[test]
    fn only_names_that_hide_something_are_not_kept() {
        for kept in ["a:b/c?*", "CON", "x. ", "back\\slash", "ü/é", &"a".repeat(4000)] {
            assert_eq!(name_problem(kept), None, "{kept}");
        }
        for lost in ["a\tb", "\u{202e}a", "a\0"] {
            assert!(name_problem(lost).is_some(), "{lost}");
        }
    }

    #[tokio::test]
    async fn a_name_may_be_as_long_as_the_file_system_of_the_trainer_takes() {
        let (root, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Artifacts::folder(root.path(), Space::of(root.path(), Some(0))).unwrap();
        let deep = vec!["a".repeat(255); 8].join("/");
        for path in ["型".repeat(85), "*".repeat(255), deep] {
            std::fs::write(made.path().join("file"), &path).unwrap();
            let kept = store.keep("job_1", open(&made, "file").await, &path).await.unwrap();
            let read = store.read("job_1", &path, 0..kept.size_bytes).await.unwrap();
            assert_eq!(read, path.as_bytes());
        }
        store.conclude("job_1", &[]).await.unwrap();
        store.remove("job_1").await.unwrap();
        assert_eq!(std::fs::read_dir(root.path().join("jobs/job_1/.long")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn what_is_kept_is_read_piece_by_piece_once_it_is_whole() {
        let (root, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Artifacts::folder(root.path(), Space::of(root.path(), Some(0))).unwrap();
        let content: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        std::fs::write(made.path().join("model"), &content).unwrap();
        std::fs::write(made.path().join("empty"), b"").unwrap();
        let model = store.keep("job_1", open(&made, "model").await, "a b/model").await.unwrap();
        assert_eq!(model.size_bytes, 3_000_000);
        assert!(matches!(store.files("job_1").await, Err(ArtifactError::Absent)));
        let empty = store.keep("job_1", open(&made, "empty").await, "empty").await.unwrap();
        let all = [model, empty];
        store.conclude("job_1", &all).await.unwrap();
        assert_eq!(store.files("job_1").await.unwrap(), all);
        let piece = store.read("job_1", "a b/model", 2_999_990..3_000_000).await.unwrap();
        assert_eq!(piece, content[2_999_990..]);
        assert!(store.read("job_1", "empty", 0..0).await.unwrap().is_empty());
        assert!(matches!(store.read("job_1", "none", 0..1).await, Err(ArtifactError::Absent)));
        store.keep("job_2", open(&made, "empty").await, "empty").await.unwrap();
        for _ in 0..2 {
            store.remove("job_1").await.unwrap();
            assert!(matches!(store.files("job_1").await, Err(ArtifactError::Absent)));
        }
        let read = store.read("job_1", "a b/model", 0..1).await;
        assert!(matches!(read, Err(ArtifactError::Absent)));
        assert!(root.path().join("jobs/job_2/empty").is_file(), "another job's are left alone");
    }
}
