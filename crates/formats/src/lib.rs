//! What a dataset's files say: their names, whether its images are whole, and which items, classes and splits its annotations give.
//!
//! Promise: pure and bounded. Nothing here opens a file, waits or panics, whatever the bytes; memory grows with the number of
//! items, not with the size of a file; a refusal names the file, the line where there is one, and what is wrong.

mod bounds;
mod classes;
mod coco;
mod contents;
mod detect;
mod distinct;
mod file_path;
mod folders;
mod image_folder;
mod images;
mod json;
mod kind;
mod leftovers;
mod lines;
mod names;
mod places;
mod problem;
mod shape;
mod source;
mod split;
mod strangers;
mod survey;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod yolo;

pub use bounds::{
    Bounds, DEEPEST_NESTING, LONGEST_CLASS_NAME, LONGEST_DESCRIPTION, LONGEST_TEXT,
    MOST_ANNOTATION_FILES,
};
pub use contents::{Class, Contents, Format, Item, UnknownFormat};
pub use file_path::{
    DEEPEST_PATH, FilePath, LONGEST_PART, LONGEST_PATH, PathProblem, is_refused, shown,
};
pub use images::{Flaw, ImageCheck, ImageKind, ImageSize, MAX_PIXELS};
pub use kind::FileKind;
pub use leftovers::is_left_behind;
pub use problem::{MOST_PROBLEMS, Problem, Problems, Refusal};
pub use shape::Shape;
pub use split::{Split, SplitCounts};
