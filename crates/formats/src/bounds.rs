//! How much a dataset may hold.
//!
//! Invariant: whatever is kept in memory while a dataset is checked is counted against one of these.

/// The bounds of one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most files.
    pub max_files: usize,
    /// The most bytes of all paths together.
    pub max_path_bytes: usize,
    /// The most folders.
    pub max_folders: usize,
    /// The most classes.
    pub max_classes: usize,
    /// The most labels (boxes, polygons, rows) of all items together.
    pub max_labels: u64,
    /// The most bytes of one annotation file.
    pub max_annotation_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_files: 1_000_000,
            max_path_bytes: 64 << 20,
            max_folders: 100_000,
            max_classes: 10_000,
            max_labels: 5_000_000,
            max_annotation_bytes: 512 << 20,
        }
    }
}

/// The most bytes of a class's name.
pub const LONGEST_CLASS_NAME: usize = 255;

/// The most bytes of one text in a JSON file, one row of a CSV file and one line of a text file.
pub const LONGEST_TEXT: usize = 1 << 20;

/// The most bytes of one entry of a JSON file: of what is said of one image, or one annotation.
pub(crate) const LONGEST_ENTRY: usize = 64 << 20;

/// How deep a JSON or YAML file may be nested.
pub const DEEPEST_NESTING: u32 = 64;

/// The most bytes of a YOLO description (`data.yaml`, `classes.txt`).
pub const LONGEST_DESCRIPTION: u64 = 1 << 20;

/// The most JSON files of COCO's, or CSV files of labels, in a dataset.
pub const MOST_ANNOTATION_FILES: usize = 256;

pub(crate) const TOO_MANY_FILES: &str = "is one annotation file too many; 256 are allowed";
