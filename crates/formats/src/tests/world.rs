//! Datasets in memory.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::{
    Bounds, Contents, FileKind, FilePath, Format, ImageCheck, ImageSize, Refusal, Shape, testing,
};

/// A dataset of files. Files that are named as images and have no bytes get those of an image.
pub(super) struct World {
    files: BTreeMap<FilePath, Vec<u8>>,
    pub(super) bounds: Bounds,
}

/// What every image of a world measures.
pub(super) const SIDE: u8 = 20;

impl World {
    pub(super) fn new<B: AsRef<[u8]>>(
        files: impl IntoIterator<Item = (impl AsRef<str>, B)>,
    ) -> Self {
        let files = files.into_iter().map(|(path, bytes)| {
            let path = FilePath::parse(path.as_ref()).unwrap();
            let bytes = match (FileKind::of(&path), bytes.as_ref()) {
                (Some(FileKind::Image(_)), []) => testing::png(SIDE, SIDE, 0),
                (_, bytes) => bytes.to_vec(),
            };
            (path, bytes)
        });
        Self { files: files.collect(), bounds: Bounds::default() }
    }

    pub(super) fn read(&self, given: Option<Format>) -> Result<Contents, Refusal> {
        let mut shape = Shape::new(self.bounds);
        for (path, bytes) in &self.files {
            shape.add(path, bytes.len() as u64, size(path, bytes))?;
        }
        let needed: Vec<FilePath> = shape.needs(given).into_iter().cloned().collect();
        shape.finish(given, |path| {
            assert!(needed.contains(path), "{path} was opened, but not among the needed");
            let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(bytes.as_slice()) as Box<dyn Read>)
        })
    }

    /// The values of a column, or what is said instead.
    pub(super) fn column(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let mut shape = Shape::new(self.bounds);
        for (path, bytes) in &self.files {
            shape.add(path, bytes.len() as u64, None).unwrap();
        }
        let found = shape.column(name, |path| {
            let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(bytes.as_slice()) as Box<dyn Read>)
        });
        let found = found.map_err(|refusal| refusal.to_string())?;
        Ok(found.into_iter().map(|(path, value)| (path.to_string(), value)).collect())
    }

    /// What a right dataset holds.
    pub(super) fn contents(&self, given: Option<Format>) -> Contents {
        self.read(given).unwrap_or_else(|refusal| unreachable!("refused: {refusal}"))
    }

    /// What is said of a wrong dataset.
    pub(super) fn refusal(&self, given: Option<Format>) -> String {
        match self.read(given) {
            Err(Refusal::Problems(problems)) => problems.to_string(),
            other => unreachable!("not refused: {other:?}"),
        }
    }
}

fn size(path: &FilePath, bytes: &[u8]) -> Option<ImageSize> {
    let Some(FileKind::Image(kind)) = FileKind::of(path) else { return None };
    let mut check = ImageCheck::new(kind);
    check.feed(bytes).ok()?;
    check.finish().ok()?
}

/// The classes with their counts, in order.
pub(super) fn classes(contents: &Contents) -> Vec<(&str, u64)> {
    contents.classes.iter().map(|class| (class.name.as_str(), class.item_count)).collect()
}

/// Each item as "path: classes (labels) split".
pub(super) fn items(contents: &Contents) -> Vec<String> {
    let item = |item: &crate::Item| {
        let names: Vec<_> = contents.class_names(item).collect();
        let split = item.split.map_or_else(String::new, |split| format!(" {split}"));
        format!("{}: {} ({}){split}", item.path, names.join(" "), item.annotation_count)
    };
    contents.items.iter().map(item).collect()
}
