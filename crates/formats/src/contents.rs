//! What a dataset holds, once its files have been understood.
//!
//! Invariant: items are in the order of their paths and classes in the order of their names; every index is one of a class.

use std::fmt;
use std::str::FromStr;

use crate::{FilePath, Problems, Split, SplitCounts};

/// How a dataset is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A folder of images for each class; above them perhaps a folder for each split.
    ImageFolder,
    /// Images and COCO's JSON of annotations.
    Coco,
    /// Images, a text file of boxes for each, and `data.yaml` or `classes.txt`.
    Yolo,
    /// Images and a `labels.csv` with a row for each label.
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ImageFolder, Self::Coco, Self::Yolo, Self::Csv];

    /// Its name: "imagefolder", "coco", "yolo", "csv".
    pub const fn name(self) -> &'static str {
        match self {
            Self::ImageFolder => "imagefolder",
            Self::Coco => "coco",
            Self::Yolo => "yolo",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is the name of no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the format must be one of imagefolder, coco, yolo, csv")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}

/// A class and how many items show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// How many items have it. An item of several classes counts for each; a class may have none.
    pub item_count: u64,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its file.
    pub path: FilePath,
    /// Its classes, as indices into [`Contents::classes`], ascending. None: it is not labelled, or it is background.
    pub classes: Vec<u32>,
    /// How many labels it has: boxes, polygons, rows; 1 for an image in a class folder.
    pub annotation_count: u32,
    /// What it is for.
    pub split: Option<Split>,
}

/// What a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How it is laid out.
    pub format: Format,
    /// Sorted by name.
    pub classes: Vec<Class>,
    /// Sorted by path.
    pub items: Vec<Item>,
    /// The files that are no items: annotations, texts for people. Sorted by path.
    pub extras: Vec<FilePath>,
    /// How many items each split has.
    pub splits: SplitCounts,
    /// How many items have no class.
    pub unlabelled: u64,
    /// How many labels there are.
    pub annotation_count: u64,
    /// The bytes of all files.
    pub size: u64,
    /// What was passed over or read otherwise than it stands: for people, no reason to refuse.
    pub notes: Problems,
}

impl Contents {
    /// The names of an item's classes, in order.
    pub fn class_names(&self, item: &Item) -> impl Iterator<Item = &str> {
        item.classes.iter().filter_map(|class| {
            let class = self.classes.get(usize::try_from(*class).ok()?)?;
            Some(class.name.as_str())
        })
    }
}
