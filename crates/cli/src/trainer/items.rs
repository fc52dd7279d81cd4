//! The list of items: labelled images with their classes.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Component, Path};

use serde::Deserialize;

use crate::failure::Failure;

/// One labelled image.
#[derive(Debug)]
pub(super) struct Item {
    /// Its path below the folder of the data.
    pub(super) path: String,
    /// Its first class.
    pub(super) class: String,
    /// "train", "validation", "test" or empty.
    pub(super) split: String,
}

#[derive(Deserialize)]
struct Line {
    path: String,
    classes: Vec<String>,
    split: String,
}

/// Reads the list. An item that has no class in it has that of its folder; files that are no images count for nothing.
pub(super) fn read(file: &Path, data: &Path) -> Result<Vec<Item>, Failure> {
    let failed = |problem: &dyn std::fmt::Display| {
        Failure::failed(format_args!("{}: {problem}", file.display()))
    };
    let lines = BufReader::new(File::open(file).map_err(|error| failed(&error))?).lines();
    let mut items = Vec::new();
    for line in lines {
        let line = line.map_err(|error| failed(&error))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| failed(&error))?;
        let path = Path::new(&line.path);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || !is_image(path) || !data.join(path).is_file() {
            continue;
        }
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let class = line.classes.into_iter().next().or(folder.map(str::to_owned));
        let Some(class) = class else { continue };
        items.push(Item { path: line.path, class, split: line.split });
    }
    Ok(items)
}

fn is_image(path: &Path) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
    kind.is_some_and(|kind| {
        ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"].contains(&kind.as_str())
    })
}
