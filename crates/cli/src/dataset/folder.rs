//! The files of a folder to import.
//!
//! Invariant: only regular files that lie in the folder itself; a link, a device or a name that is not text is a problem, and what
//! systems leave behind is skipped and named, so that nothing from elsewhere is sent by accident and nothing is left out silently.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use hallpass_formats::is_left_behind;

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

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Its files, in the order of their paths.
    pub(super) files: Vec<LocalFile>,
    /// The paths that were skipped: what systems leave behind. Of a folder only its own path, with a slash at the end.
    pub(super) skipped: Vec<String>,
    /// What cannot be imported: links, names that are not text.
    pub(super) problems: Vec<String>,
}

/// All files of the folder.
pub(super) fn walked(folder: &Path) -> Result<Walked, Failure> {
    let mut walked = Walked::default();
    let mut left = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = left.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| at(&folder, &error))?;
            if let Some(inner) = walked.take(&entry, &prefix)? {
                left.push(inner);
            }
        }
    }
    if walked.files.is_empty() && walked.problems.is_empty() {
        let problem =
            "no files: give a folder of images, with a folder for each class or with annotations";
        return Err(at(folder, &problem));
    }
    walked.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    walked.skipped.sort_unstable();
    walked.problems.sort_unstable();
    Ok(walked)
}

impl Walked {
    /// Takes an entry; says which folder is still to be walked.
    fn take(
        &mut self,
        entry: &DirEntry,
        prefix: &str,
    ) -> Result<Option<(PathBuf, String)>, Failure> {
        let (source, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str() else {
            let name = name.to_string_lossy();
            self.problems.push(format!("{prefix}{name}: its name is not UTF-8: rename it"));
            return Ok(None);
        };
        let path = format!("{prefix}{name}");
        // The kind of the entry itself: links are not followed.
        let kind = entry.file_type().map_err(|error| at(&source, &error))?;
        if kind.is_dir() {
            if is_left_behind(&format!("{path}/x")) {
                self.skipped.push(path + "/");
                return Ok(None);
            }
            return Ok(Some((source, path + "/")));
        }
        if is_left_behind(&path) {
            self.skipped.push(path);
        } else if kind.is_file() {
            self.files.push(LocalFile { path, source });
        } else if kind.is_symlink() {
            let remedy = "put what it points to in its place, for example with cp -rL";
            self.problems.push(format!("{path}: is a symbolic link: {remedy}"));
        } else {
            self.problems.push(format!("{path}: is neither a file nor a folder: leave it out"));
        }
        Ok(None)
    }
}

/// Something wrong with a local file.
pub(super) fn at(path: &Path, problem: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format_args!("{}: {problem}", plain(&path.display().to_string())))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    fn folder_of(paths: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in paths {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, path).unwrap();
        }
        folder
    }

    #[test]
    fn files_in_the_order_of_their_paths() {
        let folder = folder_of(&["b/2.png", "b/10.png", "a/deep/er/1.png", "b.txt"]);
        fs::create_dir(folder.path().join("empty")).unwrap();
        let walked = walked(folder.path()).unwrap();
        let paths: Vec<_> = walked.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a/deep/er/1.png", "b.txt", "b/10.png", "b/2.png"]);
        for file in &walked.files {
            assert_eq!(fs::read_to_string(&file.source).unwrap(), file.path);
        }
        assert!(walked.skipped.is_empty() && walked.problems.is_empty());
    }

    #[test]
    fn what_systems_leave_behind_is_skipped_and_named() {
        let folder = folder_of(&[
            "cat/1.png",
            "cat/._1.png",
            ".DS_Store",
            "__MACOSX/cat/._1.png",
            ".git/HEAD",
            "labels/train.cache",
        ]);
        let walked = walked(folder.path()).unwrap();
        assert_eq!(walked.files.len(), 1);
        let skipped = [".DS_Store", ".git/", "__MACOSX/", "cat/._1.png", "labels/train.cache"];
        assert_eq!(walked.skipped, skipped);
    }

    #[test]
    fn links_are_refused_and_named_all_of_them() {
        let outside = folder_of(&["secret"]);
        let folder = folder_of(&["a.png"]);
        let targets = [outside.path().to_owned(), outside.path().join("secret"), "gone".into()];
        for (number, target) in targets.into_iter().enumerate() {
            let link = folder.path().join(format!("link{number}"));
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        let problems = walked(folder.path()).unwrap().problems;
        assert_eq!(problems.len(), 3);
        assert!(problems[0].starts_with("link0: is a symbolic link: "), "{problems:?}");
    }

    #[test]
    fn what_is_no_folder_of_files() {
        let folder = folder_of(&[]);
        assert!(walked(folder.path()).unwrap_err().to_string().contains("no files"));
        assert!(walked(&folder.path().join("absent")).is_err());
    }
}
