//! Which column is which.
//!
//! Promise: a column is taken for what it is only by its name, and never one of two that could be it.

use csv::StringRecord;

use crate::shown;

/// Where what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) image: usize,
    pub(super) label: usize,
    pub(super) split: Option<usize>,
}

const IMAGE: &[&str] =
    &["filename", "file_name", "file", "filepath", "file_path", "path", "image", "image_path"];
const LABEL: &[&str] = &["label", "class", "category", "class_name", "label_name"];
const SPLIT: &[&str] = &["split", "subset", "set"];

impl Columns {
    /// Reads a header.
    pub(super) fn of(header: &StringRecord) -> Result<Self, String> {
        let find = |names: &[&str], what: &str| find(header, names, what);
        let missing = |names: &[&str], what: &str| {
            format!("has no column for the {what}: the header needs one of {}", names.join(", "))
        };
        Ok(Self {
            image: find(IMAGE, "image")?.ok_or_else(|| missing(IMAGE, "image"))?,
            label: find(LABEL, "label")?.ok_or_else(|| missing(LABEL, "label"))?,
            split: find(SPLIT, "split")?,
        })
    }
}

fn find(header: &StringRecord, names: &[&str], what: &str) -> Result<Option<usize>, String> {
    let plain = |name: &str| name.trim().to_lowercase().replace([' ', '-'], "_");
    let mut found =
        header.iter().enumerate().filter(|(_, name)| names.contains(&plain(name).as_str()));
    let Some((at, name)) = found.next() else { return Ok(None) };
    match found.next() {
        None => Ok(Some(at)),
        Some((_, other)) => {
            let (name, other) = (shown(name), shown(other));
            Err(format!("has two columns for the {what}: {name} and {other}; leave one"))
        }
    }
}
