//! What a trainer left in its folder, and what of it can be kept.
//!
//! Promise: a file that cannot be kept is named, and costs no other file.

use std::path::{Path, PathBuf};

use tokio::fs;

use crate::artifacts;

/// The most that is left out is named one by one; of the rest the number is told.
const NAMED: usize = 20;

/// The files of a folder, and notes of what is not among them, for the job's log.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Each file, with its path below the folder.
    pub(crate) files: Vec<(PathBuf, String)>,
    left_out: Left,
}

/// What is left out.
#[derive(Debug, Default)]
struct Left {
    notes: Vec<String>,
    more: usize,
}

impl Output {
    /// Looks through a folder. Links are not followed: what they lead to may be anybody's.
    pub(crate) async fn of(folder: &Path) -> std::io::Result<Self> {
        let (mut left, mut output) = (vec![folder.to_owned()], Self::default());
        while let Some(within) = left.pop() {
            let mut entries = match fs::read_dir(&within).await {
                Ok(entries) => entries,
                Err(error) if within != folder => {
                    output.leave_out(inside(folder, &within), &format!("cannot be read: {error}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            while let Some(entry) = entries.next_entry().await? {
                let (kind, path) = (entry.file_type().await?, entry.path());
                if kind.is_dir() {
                    left.push(path);
                } else {
                    output.add(folder, &path, kind.is_file());
                }
            }
        }
        output.files.sort();
        Ok(output)
    }

    fn add(&mut self, folder: &Path, path: &Path, is_file: bool) {
        let name = inside(folder, path);
        let problem = match name.to_str() {
            _ if !is_file => Some("is a link, a pipe or a socket"),
            None => Some("has a name that is not UTF-8"),
            Some(name) => artifacts::name_problem(name),
        };
        match (problem, name.to_str()) {
            (None, Some(name)) => self.files.push((path.to_owned(), name.to_owned())),
            (problem, _) => self.leave_out(name, problem.unwrap_or("has no name")),
        }
    }

    /// Takes a file out of the result.
    #[expect(
        clippy::unnecessary_debug_formatting,
        reason = "a name may steer a terminal, or be no text"
    )]
    pub(crate) fn leave_out(&mut self, path: &Path, problem: &str) {
        if self.left_out.notes.len() == NAMED {
            self.left_out.more += 1;
        } else {
            let note = format!("left out of the result: {path:?} {problem}");
            self.left_out.notes.push(note);
        }
    }

    /// What was left out, a line each.
    pub(crate) fn notes(self) -> impl Iterator<Item = String> {
        let Left { notes, more } = self.left_out;
        let more = (more > 0).then(|| format!("left out of the result: {more} more files"));
        notes.into_iter().chain(more)
    }
}

fn inside<'a>(folder: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(folder).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_kept_is_named_and_the_rest_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &[u8]| folder.path().join(OsStr::from_bytes(name));
        std::fs::create_dir_all(at(b"2026-11-29T09:30:00/a b")).unwrap();
        let kept = ["2026-11-29T09:30:00/a b/e\u{301}?*.log", "CON", "model\\1.bin", "x."];
        let lost: [&[u8]; 3] = [b"mod\xe8le.bin", b"line\nbreak", b"turned\xe2\x80\xae"];
        for name in kept.iter().map(|name| name.as_bytes()).chain(lost) {
            std::fs::write(at(name), b"x").unwrap();
        }
        std::os::unix::fs::symlink("x.", at(b"best")).unwrap();
        let output = Output::of(folder.path()).await.unwrap();
        let found: Vec<_> = output.files.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(found, kept);
        let mut notes: Vec<_> = output.notes().collect();
        notes.sort();
        assert_eq!(
            notes,
            [
                r#"left out of the result: "best" is a link, a pipe or a socket"#,
                r#"left out of the result: "line\nbreak" has a control character or an invisible one in its name"#,
                r#"left out of the result: "mod\xE8le.bin" has a name that is not UTF-8"#,
                r#"left out of the result: "turned\u{202e}" has a control character or an invisible one in its name"#,
            ]
        );
    }

    #[tokio::test]
    async fn many_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..25 {
            std::fs::write(folder.path().join(format!("{number}\n")), b"").unwrap();
        }
        let notes: Vec<_> = Output::of(folder.path()).await.unwrap().notes().collect();
        assert_eq!(notes.len(), 21);
        assert_eq!(notes[20], "left out of the result: 5 more files");
    }
}
