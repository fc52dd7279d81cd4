//! Finds what names the classes of a YOLO dataset.
//!
//! Promise: of several descriptions one is taken only if all name the same classes.

use super::darknet;
use super::description::{self, Description};
use crate::kind::{DATA, NAMES, TEXT, YAML};
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::{Bounds, FilePath, Problem, Refusal};

/// Finds the description and reads it: a YAML file, else Darknet's `obj.data`, else a list of classes. Says what is worth a note.
pub(super) fn describe(
    shape: &Shape,
    source: &mut Source<'_>,
) -> Result<(Description, Vec<Problem>), Refusal> {
    let yaml = preferred(descriptions(shape, source)?, is_usual);
    if let Some(found) = the_one(&yaml, shape.bounds, source, description::read_yaml)? {
        return Ok(found);
    }
    if let Some((_, file)) = shape.annotations(DATA).next() {
        return Ok((darknet::read(shape, file, source)?, Vec::new()));
    }
    let lists = shape.annotations(TEXT).chain(shape.annotations(NAMES)).map(|(_, file)| file);
    let lists: Vec<&File> = lists.filter(|file| is_class_list(&file.path)).collect();
    if let Some(found) = the_one(&lists, shape.bounds, source, description::read_text)? {
        return Ok(found);
    }
    let text = "the format yolo needs data.yaml with \"names\", obj.data or classes.txt; there is none of them";
    Err(Problem::whole(text).into())
}

/// So many YAML files are looked into.
const MOST_LOOKED_INTO: usize = 16;

/// The YAML files that may be descriptions: those of the usual name, and those that have names for classes.
pub(super) fn descriptions<'a>(
    shape: &'a Shape,
    source: &mut Source<'_>,
) -> Result<Vec<&'a File>, Refusal> {
    let mut descriptions = Vec::new();
    let mut looked_into = 0;
    for (_, file) in shape.annotations(YAML) {
        if is_usual(&file.path) {
            descriptions.push(file);
        } else if looked_into < MOST_LOOKED_INTO {
            looked_into += 1;
            if description::has_names(file, source)? {
                descriptions.push(file);
            }
        }
    }
    Ok(descriptions)
}

/// How a file is read.
type Read = fn(&File, Bounds, &mut Source<'_>) -> Result<Description, Refusal>;

/// The only file, or the first of several that name the same classes.
fn the_one(
    files: &[&File],
    bounds: Bounds,
    source: &mut Source<'_>,
    read: Read,
) -> Result<Option<(Description, Vec<Problem>)>, Refusal> {
    let Some((first, others)) = files.split_first() else { return Ok(None) };
    let mut description = read(first, bounds, source)?;
    let mut notes = std::mem::take(&mut description.notes);
    for other in others {
        let same = read(other, bounds, source)?;
        let names =
            |of: &Description| of.names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        if names(&same) != names(&description) {
            let text =
                format!("{} and {} name different classes: leave one", first.path, other.path);
            return Err(Problem::whole(text).into());
        }
        if !same.splits.is_empty() {
            let text = format!("was not read: {} names the same classes", first.path);
            notes.push(Problem::of(&other.path, text));
        }
    }
    Ok(Some((description, notes)))
}

/// Those of the usual name, if there are any.
fn preferred(files: Vec<&File>, usual: fn(&FilePath) -> bool) -> Vec<&File> {
    let (named, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| usual(&file.path));
    if named.is_empty() { others } else { named }
}

fn is_usual(path: &FilePath) -> bool {
    ["data.yaml", "data.yml"].iter().any(|name| path.name().eq_ignore_ascii_case(name))
}

/// Whether a file lists classes by its name: that of labelImg, of Darknet or of Roboflow.
pub(super) fn is_class_list(path: &FilePath) -> bool {
    let name = path.name();
    ["classes.txt", "predefined_classes.txt"].iter().any(|usual| name.eq_ignore_ascii_case(usual))
        || crate::kind::has_extension(path, NAMES)
}
