//! What an upload has brought so far: which files, in which classes, how much of it.
//!
//! Invariant: paths do not collide (none twice, none both file and folder) and no bound of the settings is passed.

use std::collections::BTreeMap;

use crate::dataset::Class;
use crate::error::Error;
use crate::file_path::{FilePath, shown};
use crate::settings::{MAX_PATH_BYTES, Settings};

/// One stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredFile {
    /// The number under which it is stored in its dataset's folder.
    pub(crate) number: u32,
    pub(crate) size: u64,
    pub(crate) sha256: [u8; 32],
}

/// What a file is for the layout `imagefolder`: a folder of images for each class.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// An item of a class.
    Item { class: &'a str },
    /// Something for people, beside the classes.
    Extra,
}

/// The files that may lie beside the class folders.
const EXTRAS: [&str; 2] = ["README.md", "LICENSE"];

impl<'a> Place<'a> {
    pub(crate) fn of(path: &'a FilePath) -> Result<Self, Error> {
        match path.top_folder() {
            Some(class) => Ok(Self::Item { class }),
            None if EXTRAS.contains(&path.as_str()) => Ok(Self::Extra),
            None => Err(Error::FileRefused {
                path: shown(path.as_str()),
                problem: "lies outside the class folders, where only README.md and LICENSE may be"
                    .to_owned(),
            }),
        }
    }
}

/// The files of an upload that have been begun, and what they add up to.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    settings: Settings,
    files: BTreeMap<String, Option<StoredFile>>,
    classes: BTreeMap<String, u64>,
    path_bytes: usize,
    size: u64,
}

impl Inventory {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Begins a file; says the number under which it is to be stored.
    pub(crate) fn begin(&mut self, path: &FilePath) -> Result<u32, Error> {
        self.check_collisions(path)?;
        self.path_bytes += path.as_str().len();
        if self.files.len() >= self.settings.max_files || self.path_bytes > MAX_PATH_BYTES {
            return Err(Error::UploadRefused(format!(
                "has too many files; {} are allowed",
                self.settings.max_files
            )));
        }
        if let Place::Item { class } = Place::of(path)? {
            *self.classes.entry(class.to_owned()).or_default() += 1;
        }
        if self.classes.len() > self.settings.max_classes {
            let most = self.settings.max_classes;
            return Err(Error::UploadRefused(format!("has too many classes; {most} are allowed")));
        }
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.insert(path.as_str().to_owned(), None);
        Ok(number)
    }

    /// Counts bytes of a file that has `so_far` bytes with them.
    pub(crate) fn count(&mut self, path: &FilePath, so_far: u64, more: u64) -> Result<(), Error> {
        let Settings { max_file_bytes, max_dataset_bytes, .. } = self.settings;
        if so_far > max_file_bytes {
            let problem = format!("is too big; {max_file_bytes} bytes are allowed");
            return Err(Error::FileRefused { path: shown(path.as_str()), problem });
        }
        self.size = self.size.saturating_add(more);
        if self.size > max_dataset_bytes {
            return Err(Error::UploadRefused(format!(
                "is too big; {max_dataset_bytes} bytes are allowed"
            )));
        }
        Ok(())
    }

    /// A file that was begun is stored.
    pub(crate) fn stored(&mut self, path: &FilePath, file: StoredFile) {
        self.files.insert(path.as_str().to_owned(), Some(file));
    }

    /// The whole upload has come.
    pub(crate) fn finish(self) -> Result<Content, Error> {
        if self.classes.is_empty() {
            return Err(Error::UploadRefused("holds no class folder with images".to_owned()));
        }
        let files = self.files.into_iter().filter_map(|(path, file)| Some((path, file?))).collect();
        let classes: Vec<_> =
            self.classes.into_iter().map(|(name, item_count)| Class { name, item_count }).collect();
        let item_count = classes.iter().map(|class| class.item_count).sum();
        Ok(Content { files, classes, item_count, size: self.size })
    }

    fn check_collisions(&self, path: &FilePath) -> Result<(), Error> {
        let refuse = |problem: &str| {
            Err(Error::FileRefused { path: shown(path.as_str()), problem: problem.to_owned() })
        };
        if self.files.contains_key(path.as_str()) {
            return refuse("comes twice");
        }
        if path.folders().any(|folder| self.files.contains_key(folder)) {
            return refuse("lies in a folder that is also a file");
        }
        let inside = format!("{path}/");
        let next = self.files.range(inside.clone()..).next();
        if next.is_some_and(|(other, _)| other.starts_with(&inside)) {
            return refuse("is also a folder");
        }
        Ok(())
    }
}

/// What a whole upload holds.
#[derive(Debug)]
pub(crate) struct Content {
    /// Sorted by path.
    pub(crate) files: Vec<(String, StoredFile)>,
    /// Sorted by name.
    pub(crate) classes: Vec<Class>,
    pub(crate) item_count: u64,
    pub(crate) size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Settings =
        Settings { max_file_bytes: 10, max_files: 3, max_dataset_bytes: 15, max_classes: 2 };

    fn path(text: &str) -> FilePath {
        FilePath::parse(text).unwrap_or_else(|problem| unreachable!("{text}: {problem}"))
    }

    fn begin_all(paths: &[&str]) -> Result<Inventory, String> {
        let mut inventory = Inventory::new(SMALL);
        for text in paths {
            inventory.begin(&path(text)).map_err(|error| error.to_string())?;
        }
        Ok(inventory)
    }

    #[test]
    fn collisions_and_strays_are_refused_by_name() {
        let table: &[(&[&str], &str)] = &[
            (&["a/1.png", "a/1.png"], "file \"a/1.png\": comes twice"),
            (&["a/b", "a/b/1.png"], "file \"a/b/1.png\": lies in a folder that is also a file"),
            (&["a/b/c/1.png", "a/b"], "file \"a/b\": is also a folder"),
            (
                &["LICENSE", "LICENSE/1.png"],
                "file \"LICENSE/1.png\": lies in a folder that is also a file",
            ),
            (
                &["1.png"],
                "file \"1.png\": lies outside the class folders, where only README.md and LICENSE may be",
            ),
            (&["a/1", "a/2", "a/3", "a/4"], "the upload has too many files; 3 are allowed"),
            (&["a/1", "b/1", "c/1"], "the upload has too many classes; 2 are allowed"),
        ];
        for (paths, problem) in table {
            assert_eq!(begin_all(paths).map(|_| ()), Err((*problem).to_owned()), "{paths:?}");
        }
    }

    #[test]
    fn neighbours_in_the_order_are_no_collisions() {
        for paths in
            [["a/b", "a/b-c", "a/b.png"], ["a/b.png", "a/b/1", "a/b0"], ["A/1", "a/1", "a/1.png"]]
        {
            assert!(begin_all(&paths).is_ok(), "{paths:?}");
        }
    }

    #[test]
    fn bytes_are_bounded_by_file_and_in_all() -> Result<(), String> {
        let mut inventory = begin_all(&["a/1"])?;
        let (one, two) = (path("a/1"), path("a/2"));
        let mut count = |path, so_far, more| {
            inventory.count(path, so_far, more).map_err(|error| error.to_string())
        };
        count(&one, 10, 10)?;
        assert_eq!(
            count(&two, 11, 11),
            Err("file \"a/2\": is too big; 10 bytes are allowed".to_owned())
        );
        count(&two, 5, 5)?;
        assert_eq!(
            count(&two, 6, 1),
            Err("the upload is too big; 15 bytes are allowed".to_owned())
        );
        Ok(())
    }

    #[test]
    fn classes_and_items_are_counted_and_extras_are_not() -> Result<(), String> {
        let mut inventory = begin_all(&["b/1", "README.md", "a/deep/er/1"])?;
        for (number, text) in (0..).zip(["b/1", "README.md", "a/deep/er/1"]) {
            inventory.stored(&path(text), StoredFile { number, size: 0, sha256: [0; 32] });
        }
        let content = inventory.finish().map_err(|error| error.to_string())?;
        let classes: Vec<_> =
            content.classes.iter().map(|c| (c.name.as_str(), c.item_count)).collect();
        assert_eq!(classes, [("a", 1), ("b", 1)]);
        assert_eq!((content.item_count, content.files.len()), (2, 3));
        Ok(())
    }

    #[test]
    fn nothing_is_no_dataset() {
        for paths in [&[][..], &["README.md", "LICENSE"]] {
            let refused = begin_all(paths).map(|inventory| inventory.finish().is_err());
            assert_eq!(refused, Ok(true));
        }
    }
}
