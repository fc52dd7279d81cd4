//! Images, a text file of labels for each, and `data.yaml`, `obj.data` or `classes.txt`:
//! <https://docs.ultralytics.com/datasets/detect/>.
//!
//! Promise: each label file belongs to one image, each line of it is a box, polygon or pose of a known class. An image without a
//! label file, or with an empty one, is background; but a dataset without any label file is refused.

mod darknet;
mod description;
mod find;
mod label;
mod pairs;
mod splits;
mod yaml;

use description::Description;
use find::{describe, descriptions, is_class_list};
use label::Kind;
use pairs::Pairs;

use std::collections::HashSet;

use crate::file_path::folded;
use crate::kind::{DATA, NAMES, TEXT};
use crate::lines::Lines;
use crate::shape::{File, Shape};
use crate::source::{Source, unreadable};
use crate::survey::Survey;
use crate::{Problem, Refusal};

/// Whether there is a description: a YAML file with names, Darknet's `obj.data`, or a list of classes and at least one label file.
pub(crate) fn seems_yolo(shape: &Shape, source: &mut Source<'_>) -> Result<bool, Refusal> {
    if !descriptions(shape, source)?.is_empty() || shape.annotations(DATA).next().is_some() {
        return Ok(true);
    }
    let mut lists = shape.annotations(TEXT).chain(shape.annotations(NAMES));
    Ok(lists.any(|(_, file)| is_class_list(&file.path)) && first_labels(shape).is_some())
}

/// Refuses images with label files of which nothing says what the classes are called.
pub(crate) fn without_names(shape: &Shape, source: &mut Source<'_>) -> Result<(), Refusal> {
    let Some(file) = first_labels(shape) else { return stray_labels(shape) };
    let mut lines = Lines::new(source.open(file)?);
    let first = lines.next().map_err(|error| unreadable(&file.path, error))?;
    let first = first.map(|(_, text)| text.trim().to_owned()).unwrap_or_default();
    if first.is_empty() || label::seems_label(&first) {
        let text = format!(
            "{} is a label file of YOLO, but nothing names the classes: add data.yaml with \"names\", or classes.txt with a name \
             on each line",
            file.path
        );
        return Err(Problem::whole(text).into());
    }
    let text = "belongs to an image and is no label file of YOLO (KITTI, DOTA and captions are not read): export the \
                annotations as COCO or YOLO, or leave such files out";
    Err(Problem::at(&file.path, 1, text).into())
}

/// Refuses a text file that is named like an image and lies where no label file lies.
fn stray_labels(shape: &Shape) -> Result<(), Refusal> {
    let stems: HashSet<_> = shape.images().map(|(_, file)| folded(file.path.stem())).collect();
    let mut texts = shape.annotations(TEXT).map(|(_, file)| &file.path);
    let Some(stray) = texts.find(|path| stems.contains(&folded(path.stem()))) else {
        return Ok(());
    };
    let text = "is named like an image, but lies neither beside it nor in labels/ where the image lies in images/: move it there if \
                it is a label file of YOLO; KITTI and DOTA are not read";
    Err(Problem::of(stray, text).into())
}

/// The first text file that is named like the label file of an image.
fn first_labels(shape: &Shape) -> Option<&File> {
    let pairs = Pairs::new(shape);
    let texts = shape.annotations(TEXT).map(|(_, file)| file);
    texts.into_iter().find(|file| !is_class_list(&file.path) && pairs.knows(&file.path))
}

/// Reads the description, then the label files.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let (description, notes) = describe(shape, source)?;
    for note in notes {
        survey.notes.add(note);
    }
    let mut classes = Vec::new();
    for (name, line) in &description.names {
        let number = survey.classes.number(name);
        classes.push(number.map_err(|text| Problem::at(&description.path, *line, text))?);
    }
    let lists = splits::read(survey, &description, source)?;
    survey.splits_by_folder();
    let mut pairs = Pairs::new(shape);
    let mut any = false;
    for (_, file) in shape.annotations(TEXT) {
        if survey.problems.is_full() {
            break;
        }
        if is_class_list(&file.path) || lists.contains(&&file.path) {
            continue;
        }
        match pairs.image_of(&file.path) {
            Ok(Some(image)) => {
                any = true;
                read_labels(survey, file, image, &description, &classes, source)?;
            }
            Ok(None) => {}
            Err(text) => survey.problems.add(Problem::of(&file.path, text)),
        }
    }
    if !any && survey.problems.is_empty() {
        let text = "describes YOLO's layout, but there is no label file: the labels of images/a/1.png belong in labels/a/1.txt or \
                    beside the image, and an empty file says that it shows nothing; if the folders are the classes, leave this file out";
        survey.problems.add(Problem::of(&description.path, text));
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
    let mut kind = None;
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
        let label = label::read(text, classes.len(), said_in, description.pose);
        match label.and_then(|(class, own)| Ok((class, same_kind(&mut kind, own)?))) {
            Ok((class, ())) => survey
                .label(image, Some(classes[class]), 1)
                .map_err(|text| Problem::at(&file.path, line, text))?,
            Err(text) => survey.problems.add(Problem::at(&file.path, line, text)),
        }
        if survey.problems.is_full() {
            return Ok(());
        }
    }
}

/// Ultralytics sets an image aside whose label file mixes boxes and polygons, so that its labels would be lost.
fn same_kind(kind: &mut Option<Kind>, own: Kind) -> Result<(), String> {
    if *kind.get_or_insert(own) == own {
        return Ok(());
    }
    let (first, second) = (kind.map_or("", Kind::name), own.name());
    Err(format!(
        "holds a {second} below a {first}, and a label file that mixes boxes and polygons is dropped by trainers: write only one kind"
    ))
}
