//! The names of a dataset's files against each other.
//!
//! Invariant: no two files or folders have names that some usual system takes for one, and none is both file and folder. So a
//! dataset can be laid on any disk, and a name in an annotation means one file at most.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::FilePath;
use crate::file_path::folded;

/// All names, as a tree of folders.
#[derive(Debug)]
pub(crate) struct Names {
    folders: Vec<Folder>,
    max_folders: usize,
}

/// What lies in a folder, by folded name.
type Folder = HashMap<Box<str>, Entry>;

#[derive(Debug)]
struct Entry {
    /// How it is spelled.
    spelled: Box<str>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Folder(u32),
    File(u32),
}

/// What a name in an annotation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The file of this number.
    File(u32),
    /// No file, but that of this number is named almost so.
    Almost(u32),
    /// A folder.
    Folder,
    /// Nothing.
    Nothing,
}

impl Names {
    pub(crate) fn new(max_folders: usize) -> Self {
        Self { folders: vec![Folder::new()], max_folders }
    }

    /// Puts a file in under its number; otherwise says what is wrong with its name beside the others.
    pub(crate) fn insert(&mut self, path: &FilePath, file: u32) -> Result<(), String> {
        let mut folder = 0;
        for prefix in path.folders() {
            let part = last_part(prefix);
            let key = folded(part);
            folder = match self.folders[folder].get(key.as_ref()) {
                Some(entry) => entry.enter(part, prefix)?,
                None => self.make_folder(folder, part, &key)?,
            } as usize;
        }
        let key = folded(path.name());
        if let Some(entry) = self.folders[folder].get(key.as_ref()) {
            return Err(entry.clash(path));
        }
        let entry = Entry { spelled: path.name().into(), what: What::File(file) };
        self.folders[folder].insert(key.into(), entry);
        Ok(())
    }

    /// Looks for what a name in an annotation means, from the folder `base` ("" is the top). Both kinds of slash part it; "." and
    /// ".." mean what they mean to a file system, but nothing lies above the top.
    pub(crate) fn find(&self, base: &str, name: &str) -> Found {
        parts_of(base, name).map_or(Found::Nothing, |parts| self.walk(&parts))
    }

    /// The path of a folder that [`find`](Self::find) finds, as it is spelled, with a slash at the end; "" for the top.
    pub(crate) fn folder(&self, base: &str, name: &str) -> Option<String> {
        let mut path = String::new();
        let mut at = 0;
        for part in parts_of(base, name)? {
            let entry = self.folders[at].get(folded(part).as_ref())?;
            let What::Folder(folder) = entry.what else { return None };
            path.push_str(&entry.spelled);
            path.push('/');
            at = folder as usize;
        }
        Some(path)
    }

    fn walk(&self, parts: &[&str]) -> Found {
        let mut at = What::Folder(0);
        let mut exact = true;
        for part in parts {
            let What::Folder(folder) = at else { return Found::Nothing };
            let key = folded(part);
            let Some(entry) = self.folders[folder as usize].get(key.as_ref()) else {
                return Found::Nothing;
            };
            exact = exact && entry.spells(part);
            at = entry.what;
        }
        match at {
            What::File(file) if exact => Found::File(file),
            What::File(file) => Found::Almost(file),
            What::Folder(_) if exact => Found::Folder,
            What::Folder(_) => Found::Nothing,
        }
    }

    fn make_folder(&mut self, parent: usize, part: &str, key: &str) -> Result<u32, String> {
        let number = u32::try_from(self.folders.len()).unwrap_or(u32::MAX);
        if self.folders.len() > self.max_folders || number == u32::MAX {
            return Err(format!("is one folder too many; {} are allowed", self.max_folders));
        }
        self.folders.push(Folder::new());
        let entry = Entry { spelled: part.into(), what: What::Folder(number) };
        self.folders[parent].insert(key.into(), entry);
        Ok(number)
    }
}

impl Entry {
    /// Goes into the folder that a path names with `part`, the last part of `prefix`.
    fn enter(&self, part: &str, prefix: &str) -> Result<u32, String> {
        match self.what {
            _ if *self.spelled != *part => Err(one_name("folder", &sibling(prefix, &self.spelled))),
            What::Folder(folder) => Ok(folder),
            What::File(_) => Err("lies in a folder that is also a file".to_owned()),
        }
    }

    fn clash(&self, path: &FilePath) -> String {
        match self.what {
            _ if *self.spelled != *path.name() => {
                one_name("name", &sibling(path.as_str(), &self.spelled))
            }
            What::Folder(_) => "is also a folder".to_owned(),
            What::File(_) => "comes twice".to_owned(),
        }
    }

    /// Whether it is spelled so, in whatever composition of its characters.
    fn spells(&self, part: &str) -> bool {
        *self.spelled == *part || self.spelled.nfc().eq(part.nfc())
    }
}

/// The parts of a name from the top on; `None` if it leads above the top.
fn parts_of<'a>(base: &'a str, name: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = Vec::new();
    for part in base.split('/').chain(name.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts)
}

fn one_name(what: &str, other: &str) -> String {
    format!(
        "is to some systems the same {what} as {other}: they differ only in case or in form, rename one of them"
    )
}

fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

fn sibling(path: &str, name: &str) -> String {
    path.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(paths: &[&str]) -> Result<Names, String> {
        let mut names = Names::new(4);
        for (number, text) in (0..).zip(paths) {
            let path = FilePath::parse(text).map_err(|problem| problem.to_string())?;
            names.insert(&path, number).map_err(|problem| format!("{path} {problem}"))?;
        }
        Ok(names)
    }

    #[test]
    fn clashes_are_named() {
        let same = "they differ only in case or in form, rename one of them";
        let table: &[(&[&str], String)] = &[
            (&["a/1.png", "a/1.png"], "a/1.png comes twice".to_owned()),
            (&["A/1.png", "A/1.png"], "A/1.png comes twice".to_owned()),
            (&["a/b", "a/b/1.png"], "a/b/1.png lies in a folder that is also a file".to_owned()),
            (&["a/b/c/1.png", "a/b"], "a/b is also a folder".to_owned()),
            (
                &["a/1.PNG", "a/1.png"],
                format!("a/1.png is to some systems the same name as a/1.PNG: {same}"),
            ),
            (
                &["a/1.png", "a/1.PNG"],
                format!("a/1.PNG is to some systems the same name as a/1.png: {same}"),
            ),
            (
                &["x/Cat/1.png", "x/cat/2.png"],
                format!("x/cat/2.png is to some systems the same folder as x/Cat: {same}"),
            ),
            (
                &["cat/1.png", "Cat/2.png"],
                format!("Cat/2.png is to some systems the same folder as cat: {same}"),
            ),
            (
                &["\u{e9}.png", "e\u{301}.png"],
                format!("e\u{301}.png is to some systems the same name as \u{e9}.png: {same}"),
            ),
            (
                &["a/1", "b/1", "c/1", "d/1", "e/1"],
                "e/1 is one folder too many; 4 are allowed".to_owned(),
            ),
        ];
        for (paths, problem) in table {
            assert_eq!(all(paths).map(|_| ()), Err(problem.clone()), "{paths:?}");
        }
    }

    #[test]
    fn neighbours_in_the_order_are_no_clashes() {
        for paths in [["a/b", "a/b-c", "a/b.png"], ["a/b.png", "a/b/1", "a/b0"]] {
            assert!(all(&paths).is_ok(), "{paths:?}");
        }
    }

    #[test]
    fn names_in_annotations_are_found() -> Result<(), String> {
        let names = all(&["images/Train/1.png", "2.png", "caf\u{e9}.png", "a/3.png"])?;
        let table = [
            ("images", "Train/1.png", Found::File(0)),
            ("images", ".\\Train\\1.png", Found::File(0)),
            ("images/Train", "../../2.png", Found::File(1)),
            ("", "./2.png", Found::File(1)),
            ("", "cafe\u{301}.png", Found::File(2)),
            ("images", "train/1.PNG", Found::Almost(0)),
            ("", "images/Train", Found::Folder),
            ("images/Train", "..", Found::Folder),
            ("", "images/train", Found::Nothing),
            ("images", "2.png", Found::Nothing),
            ("", "../2.png", Found::Nothing),
            ("", "2.png/1.png", Found::Nothing),
        ];
        for (base, name, found) in table {
            assert_eq!(names.find(base, name), found, "{base} {name}");
        }
        Ok(())
    }
}
