//! Images, a text file of labels for each, and `data.yaml` or `classes.txt`: <https://docs.ultralytics.com/datasets/detect/>.
//!
//! Promise: each label file belongs to one image, each line of it is a box, polygon or pose of a known class. An image without a
//! label file, or with an empty one, is background.

mod description;
mod label;
mod pairs;
mod splits;
mod yaml;

use description::Description;
use pairs::Pairs;

use crate::kind::{TEXT, YAML};
use crate::lines::Lines;
use crate::shape::{File, Shape};
use crate::source::{Source, unreadable};
use crate::survey::Survey;
use crate::{FilePath, Problem, Refusal};

/// Whether there is a description: a YAML file with names, or a list of classes and at least one label file.
pub(crate) fn seems_yolo(shape: &Shape, source: &mut Source<'_>) -> Result<bool, Refusal> {
    if !descriptions(shape, source)?.is_empty() {
        return Ok(true);
    }
    let mut texts = shape.annotations(TEXT).map(|(_, file)| &file.path);
    if !texts.any(is_class_list) {
        return Ok(false);
    }
    let pairs = Pairs::new(shape);
    Ok(shape.annotations(TEXT).any(|(_, file)| pairs.knows(&file.path)))
}

/// Reads the description, then the label files.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let description = describe(shape, source)?;
    let mut classes = Vec::new();
    for (name, line) in &description.names {
        let number = survey.classes.number(name);
        classes.push(number.map_err(|text| Problem::at(&description.path, *line, text))?);
    }
    let lists = splits::read(survey, &description, source)?;
    survey.splits_by_folder();
    let mut pairs = Pairs::new(shape);
    for (_, file) in shape.annotations(TEXT) {
        if survey.problems.is_full() {
            break;
        }
        if is_class_list(&file.path) || lists.contains(&&file.path) {
            continue;
        }
        match pairs.image_of(&file.path) {
            Ok(Some(image)) => read_labels(survey, file, image, &description, &classes, source)?,
            Ok(None) => {}
            Err(text) => survey.problems.add(Problem::of(&file.path, text)),
        }
    }
    Ok(())
}

fn read_labels(
    survey: &mut Survey<'_>,
    file: &File,
    image: u32,
    description: &Description,
    classes: &[u32],
    source: &mut Source<'_>,
) -> Result<(), Refusal> {
    let mut lines = Lines::new(source.open(file)?);
    let said_in = description.path.as_str();
    loop {
        let (line, text) = match lines.next().map_err(|error| unreadable(&file.path, error)) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            // The other files may have problems of their own.
            Err(Refusal::Problems(problems)) => {
                survey.add_all(&problems);
                return Ok(());
            }
            Err(unreadable @ Refusal::Unreadable { .. }) => return Err(unreadable),
        };
        if text.trim().is_empty() {
            continue;
        }
        match label::class_of(text, classes.len(), said_in, description.pose) {
            Ok(class) => survey
                .label(image, Some(classes[class]), 1)
                .map_err(|text| Problem::at(&file.path, line, text))?,
            Err(text) => survey.problems.add(Problem::at(&file.path, line, text)),
        }
        if survey.problems.is_full() {
            return Ok(());
        }
    }
}

/// Finds the description and reads it.
fn describe(shape: &Shape, source: &mut Source<'_>) -> Result<Description, Refusal> {
    let descriptions = descriptions(shape, source)?;
    if let Some(file) = the_one(&descriptions, is_usual)? {
        return description::read_yaml(file, shape.bounds, source);
    }
    let texts: Vec<&File> = shape.annotations(TEXT).map(|(_, file)| file).collect();
    let lists: Vec<&File> = texts.into_iter().filter(|file| is_class_list(&file.path)).collect();
    if let Some(file) = the_one(&lists, |_| true)? {
        return description::read_text(file, shape.bounds, source);
    }
    let text = "the format yolo needs data.yaml with \"names\", or classes.txt; there is neither";
    Err(Problem::whole(text).into())
}

/// So many YAML files are looked into.
const MOST_LOOKED_INTO: usize = 16;

/// The YAML files that may be descriptions: those of the usual name, and those that have names for classes.
fn descriptions<'a>(shape: &'a Shape, source: &mut Source<'_>) -> Result<Vec<&'a File>, Refusal> {
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

/// The only file, or the only one that is usual.
fn the_one<'a>(
    files: &[&'a File],
    usual: fn(&FilePath) -> bool,
) -> Result<Option<&'a File>, Refusal> {
    let usual: Vec<&File> = files.iter().copied().filter(|file| usual(&file.path)).collect();
    let files = if usual.is_empty() { files } else { &usual };
    match files {
        [] => Ok(None),
        [file] => Ok(Some(file)),
        [one, other, ..] => {
            let text =
                format!("{} and {} could both name the classes; leave one", one.path, other.path);
            Err(Problem::whole(text).into())
        }
    }
}

fn is_usual(path: &FilePath) -> bool {
    ["data.yaml", "data.yml"].iter().any(|name| path.name().eq_ignore_ascii_case(name))
}

fn is_class_list(path: &FilePath) -> bool {
    path.name().eq_ignore_ascii_case("classes.txt")
}
