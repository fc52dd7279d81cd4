//! Writes downloaded files beneath one folder.
//!
//! Invariant: whatever names the service sends, nothing outside the folder is written, no link in it is followed, and without
//! `--force` nothing that is there is changed. A file stands under its name only once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::dataset::folder::at;
use crate::failure::Failure;
use crate::output::plain;

/// The folder, and the file that is being written.
#[derive(Debug)]
pub(super) struct Landing {
    folder: PathBuf,
    force: bool,
    open: Option<Open>,
    files: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Open {
    path: String,
    draft: PathBuf,
    file: File,
}

impl Landing {
    /// A folder to write to, made if it is not there.
    pub(super) fn new(folder: PathBuf, force: bool) -> Result<Self, Failure> {
        fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
        Ok(Self { folder, force, open: None, files: 0, bytes: 0 })
    }

    /// Writes the next bytes of a file. Another path ends the file before it.
    pub(super) fn write(&mut self, path: &str, data: &[u8]) -> Result<(), Failure> {
        if self.open.as_ref().is_none_or(|open| open.path != path) {
            self.end_file()?;
            self.open = Some(self.begin(path)?);
        }
        if let Some(open) = &mut self.open {
            open.file.write_all(data).map_err(|error| at(&open.draft, &error))?;
        }
        self.bytes += data.len() as u64;
        Ok(())
    }

    /// Ends the last file. How many files and bytes were written.
    pub(super) fn finish(mut self) -> Result<(u64, u64), Failure> {
        self.end_file()?;
        Ok((self.files, self.bytes))
    }

    fn begin(&self, path: &str) -> Result<Open, Failure> {
        check(path)?;
        let target = self.folder.join(path);
        self.make_folders(path)?;
        self.check_free(&target)?;
        let draft = self.folder.join(".hallpass-download");
        // What an earlier download left. Never what a link points to: unlinking and `create_new` follow none.
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(at(&draft, &error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&draft);
        let file = file.map_err(|error| at(&draft, &error))?;
        Ok(Open { path: path.to_owned(), draft, file })
    }

    fn end_file(&mut self) -> Result<(), Failure> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let target = self.folder.join(&open.path);
        self.check_free(&target)?;
        fs::rename(&open.draft, &target).map_err(|error| at(&target, &error))?;
        self.files += 1;
        Ok(())
    }

    /// Makes the folders that the file lies in, and refuses links among them.
    fn make_folders(&self, path: &str) -> Result<(), Failure> {
        for (end, _) in path.match_indices('/') {
            let folder = self.folder.join(&path[..end]);
            match fs::symlink_metadata(&folder) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(at(&folder, &"in the way; right: a folder")),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir(&folder).map_err(|error| at(&folder, &error))?;
                }
                Err(error) => return Err(at(&folder, &error)),
            }
        }
        Ok(())
    }

    fn check_free(&self, target: &Path) -> Result<(), Failure> {
        match fs::symlink_metadata(target) {
            Ok(found) if found.is_dir() => Err(at(target, &"a folder is in the way")),
            Ok(_) if !self.force => Err(at(target, &"is there already; --force overwrites it")),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(at(target, &error)),
        }
    }
}

impl Drop for Landing {
    /// A download that failed leaves no half of a file.
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            // What cannot be removed now is removed by the next download.
            let _ = fs::remove_file(&open.draft);
        }
    }
}

/// A name is relative, and none of its parts leads elsewhere or hides.
fn check(path: &str) -> Result<(), Failure> {
    let part_is_right = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255;
    let right = path.len() <= 1024
        && path.split('/').all(part_is_right)
        && !path.contains(['\\', ':'])
        && plain(path) == path
        && path != ".hallpass-download";
    if right {
        Ok(())
    } else {
        Err(Failure::failed(format_args!(
            "the service sent a file name that is refused: {}",
            plain(path)
        )))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    fn read(folder: &Path, path: &str) -> String {
        fs::read_to_string(folder.join(path)).unwrap()
    }

    #[test]
    fn files_are_put_together_from_their_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new");
        let mut landing = Landing::new(target.clone(), false).unwrap();
        let pieces = [("a/1", "x"), ("a/1", "y"), ("a/b/2", ""), ("3", "z")];
        for (path, data) in pieces {
            landing.write(path, data.as_bytes()).unwrap();
        }
        assert_eq!(landing.finish().unwrap(), (3, 3));
        assert_eq!((read(&target, "a/1"), read(&target, "a/b/2")), ("xy".into(), String::new()));
        assert_eq!(fs::read_dir(target).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("in/side");
        let long = "a".repeat(256);
        let hostile = [
            "",
            "/",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a/..",
            "./x",
            "a//b",
            "a/",
            "..",
            ".",
            "C:\\x",
            "c:x",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            ".hallpass-download",
            &long,
        ];
        for path in hostile {
            let mut landing = Landing::new(target.clone(), true).unwrap();
            assert!(landing.write(path, b"x").is_err(), "{path:?}");
            drop(landing);
            assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "{path:?}");
        }
    }

    #[test]
    fn nothing_is_overwritten_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "old").unwrap();
        let mut landing = Landing::new(folder.path().to_owned(), false).unwrap();
        assert!(landing.write("a", b"new").unwrap_err().to_string().contains("--force"));
        drop(landing);
        assert_eq!(read(folder.path(), "a"), "old");

        let mut landing = Landing::new(folder.path().to_owned(), true).unwrap();
        landing.write("a", b"new").unwrap();
        landing.finish().unwrap();
        assert_eq!(read(folder.path(), "a"), "new");
    }

    #[test]
    fn links_are_not_followed() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let victim = outside.path().join("victim");
        fs::write(&victim, "old").unwrap();
        let link = |name: &str, to: &Path| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        };
        link("folder", outside.path());
        link("file", &victim);
        link(".hallpass-download", &victim);
        let mut landing = Landing::new(folder.path().to_owned(), true).unwrap();
        assert!(landing.write("folder/new", b"new").is_err());
        landing.write("file", b"new").unwrap();
        landing.finish().unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
        assert_eq!(read(folder.path(), "file"), "new");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_download_that_ends_early_leaves_no_half_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut landing = Landing::new(folder.path().to_owned(), false).unwrap();
        landing.write("a", b"half").unwrap();
        drop(landing);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
