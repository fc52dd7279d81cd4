//! The files of a folder to import.
//!
//! Invariant: only regular files that lie in the folder itself; a link, a device or a name that is not text is an error, so that
//! nothing from elsewhere is sent by accident and nothing is left out silently.

use std::fs;
use std::path::{Path, PathBuf};

use super::digest;
use super::progress::Progress;
use crate::failure::Failure;
use crate::output::plain;

/// A file to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalFile {
    /// Its path in the dataset, parts separated by '/'.
    pub(super) path: String,
    /// Where it is.
    pub(super) source: PathBuf,
}

/// A file to upload, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashed {
    /// Its path in the dataset.
    pub(super) path: String,
    /// Where it is.
    pub(super) source: PathBuf,
    /// How many bytes it has.
    pub(super) size: u64,
    /// Their SHA-256.
    pub(super) sha256: [u8; 32],
}

/// All files of the folder with what is in them, in the order of their paths.
pub(super) fn hashed(folder: &Path) -> Result<Vec<Hashed>, Failure> {
    let files = files_of(folder)?;
    let sizes = files.iter().map(|file| fs::metadata(&file.source).map_or(0, |of| of.len()));
    let mut progress = Progress::new("hashing", files.len() as u64, sizes.sum());
    let hashed = files.into_iter().map(|LocalFile { path, source }| {
        progress.begin(&path);
        let (sha256, size) = digest::of_file(&source).map_err(|error| at(&source, &error))?;
        progress.bytes(size);
        progress.end();
        Ok(Hashed { path, source, size, sha256 })
    });
    hashed.collect()
}

/// All files of the folder, in the order of their paths.
pub(super) fn files_of(folder: &Path) -> Result<Vec<LocalFile>, Failure> {
    let mut files = Vec::new();
    let mut left = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = left.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| at(&folder, &error))?;
            let source = entry.path();
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| at(&source, &"the name is not UTF-8"))?;
            let path = format!("{prefix}{name}");
            // The kind of the entry itself: links are not followed.
            let kind = entry.file_type().map_err(|error| at(&source, &error))?;
            if kind.is_dir() {
                left.push((source, path + "/"));
            } else if kind.is_file() {
                files.push(LocalFile { path, source });
            } else {
                let problem = "a link or no regular file; right: files and folders only";
                return Err(at(&source, &problem));
            }
        }
    }
    if files.is_empty() {
        return Err(at(folder, &"no files; right: a folder of images for each class"));
    }
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Something wrong with a local file.
pub(super) fn at(path: &Path, problem: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("{}: {problem}", plain(&path.display().to_string())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn files_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b/2.png", "b/10.png", "a/deep/er/1.png", "b.txt", "c/.hidden"] {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, path).unwrap();
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        let files = files_of(folder.path()).unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/deep/er/1.png", "b.txt", "b/10.png", "b/2.png", "c/.hidden"]);
        for file in &files {
            assert_eq!(fs::read_to_string(&file.source).unwrap(), file.path);
        }
    }

    #[test]
    fn links_are_refused_and_named() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        for target in [outside.path().to_owned(), outside.path().join("secret"), "gone".into()] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("a.png"), "x").unwrap();
            std::os::unix::fs::symlink(target, folder.path().join("link")).unwrap();
            let refused = files_of(folder.path()).unwrap_err().to_string();
            assert!(refused.contains("link: a link"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_folder_of_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(files_of(folder.path()).unwrap_err().to_string().contains("no files"));
        assert!(files_of(&folder.path().join("absent")).is_err());
    }
}
