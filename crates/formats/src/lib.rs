//! What a dataset's files say: their names, whether its images are whole, and which items, classes and splits its annotations give.
//!
//! Promise: pure and bounded. Nothing here opens a file, waits or panics, whatever the bytes; memory grows with the number of
//! items, not with the size of a file; a refusal names the file, the line where there is one, and what is wrong.

mod file_path;
mod images;

pub use file_path::{FilePath, LONGEST_PART, LONGEST_PATH, PathProblem, is_refused, shown};
pub use images::{Flaw, ImageCheck, ImageKind};
