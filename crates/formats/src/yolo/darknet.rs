//! Darknet's description (`obj.data`): where the names of the classes are, and where the lists of images.
//!
//! Promise: what it names is found by the end of its path, since such files are written from where the trainer stands.

use super::description::{Description, read_text};
use crate::bounds::LONGEST_DESCRIPTION;
use crate::lines::Lines;
use crate::names::Found;
use crate::shape::{File, Shape};
use crate::source::{Source, unreadable};
use crate::{Problem, Refusal, Split, shown};

/// Reads a description, and the file that it says has the names.
pub(super) fn read(
    shape: &Shape,
    file: &File,
    source: &mut Source<'_>,
) -> Result<Description, Refusal> {
    let mut names = None;
    let mut splits = Vec::new();
    let mut lines = Lines::new(source.open_up_to(file, LONGEST_DESCRIPTION)?);
    while let Some((line, text)) = lines.next().map_err(|error| unreadable(&file.path, error))? {
        let Some((key, value)) = text.split_once('=') else { continue };
        let value = value.trim();
        match (key.trim(), value) {
            (_, "") => {}
            ("names", name) => names = Some((name.to_owned(), line)),
            ("train", list) => splits.push((Split::Train, list.to_owned(), line)),
            ("valid" | "val", list) => splits.push((Split::Val, list.to_owned(), line)),
            ("test", list) => splits.push((Split::Test, list.to_owned(), line)),
            _ => {}
        }
    }
    let Some((name, line)) = names else {
        let text = "has no \"names\": add a line such as names = obj.names";
        return Err(Problem::of(&file.path, text).into());
    };
    let found = by_its_end(shape, file.path.folder(), &name).ok_or_else(|| {
        let text = format!("names {}, which is not in the dataset: add it", shown(&name));
        Problem::at(&file.path, line, text)
    })?;
    let description = read_text(&shape.files[found as usize], shape.bounds, source)?;
    Ok(Description { path: file.path.clone(), splits, ..description })
}

/// The file that a path names by as much of its end as possible.
fn by_its_end(shape: &Shape, folder: &str, name: &str) -> Option<u32> {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let ends = (0..parts.len()).map(|from| parts[from..].join("/"));
    ends.flat_map(|end| [shape.names.find(folder, &end), shape.names.find("", &end)]).find_map(
        |found| match found {
            Found::File(file) | Found::Almost(file) => Some(file),
            Found::Folder | Found::Nothing => None,
        },
    )
}
