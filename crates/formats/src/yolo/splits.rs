//! The splits that `data.yaml` names: folders, or text files that list images.
//!
//! Invariant: an item is in one split. What a description names is there.

use std::io::Read;

use super::description::Description;
use crate::lines::Lines;
use crate::names::Found;
use crate::shape::{File, Shape};
use crate::source::{Source, unreadable};
use crate::survey::Survey;
use crate::{FilePath, Problem, Refusal, Split, shown};

/// Puts images into the splits of the description; says which files list images.
pub(super) fn read<'a>(
    survey: &mut Survey<'a>,
    description: &Description,
    source: &mut Source<'_>,
) -> Result<Vec<&'a FilePath>, Refusal> {
    let shape = survey.shape;
    let bases = bases(description);
    let mut lists = Vec::new();
    for (split, text, line) in &description.splits {
        let placed = match find(shape, &bases, text) {
            Some(Place::Folder(folder)) => {
                put_folder(survey, &folder, *split).map_err(|text| (*line, text))
            }
            Some(Place::List(file)) => {
                lists.push(&file.path);
                read_list(survey, shape, file, *split, &bases, source)?;
                Ok(())
            }
            None => {
                let text =
                    format!("the split {split} names {}, which is not in the dataset", shown(text));
                Err((*line, text))
            }
        };
        if let Err((line, text)) = placed {
            survey.problems.add(Problem::at(&description.path, line, text));
        }
    }
    Ok(lists)
}

enum Place<'a> {
    /// With a slash at the end, or "" for the top.
    Folder(String),
    List(&'a File),
}

/// The folders that names may count from: that of the description, with and without its `path`, and the top.
fn bases(description: &Description) -> Vec<String> {
    let own = description.path.folder();
    let root = description.root.as_deref().map(|root| format!("{own}/{}", below(root)));
    root.into_iter().chain([own.to_owned(), String::new()]).collect()
}

/// A name without what leads out of the dataset: tools write paths from where they stand themselves.
fn below(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("../").or_else(|| name.strip_prefix("./")) {
        name = rest;
    }
    name
}

fn find<'a>(shape: &'a Shape, bases: &[String], text: &str) -> Option<Place<'a>> {
    bases.iter().flat_map(|base| [(base, text), (base, below(text))]).find_map(|(base, name)| {
        match shape.names.find(base, name) {
            Found::File(file) => {
                let file = &shape.files[file as usize];
                (!file.is_image()).then_some(Place::List(file))
            }
            Found::Folder => shape.names.folder(base, name).map(Place::Folder),
            Found::Almost(_) | Found::Nothing => None,
        }
    })
}

fn put_folder(survey: &mut Survey<'_>, folder: &str, split: Split) -> Result<(), String> {
    let mut any = false;
    for (image, file) in survey.shape.images() {
        if file.path.as_str().starts_with(folder) {
            any = true;
            survey.put_in(image, split).map_err(|other| {
                format!("{} is in the split {split} and in the split {other}", file.path)
            })?;
        }
    }
    if any {
        return Ok(());
    }
    Err(format!("the split {split} names {}, which holds no images", shown(folder)))
}

fn read_list(
    survey: &mut Survey<'_>,
    shape: &Shape,
    file: &File,
    split: Split,
    bases: &[String],
    source: &mut Source<'_>,
) -> Result<(), Refusal> {
    let reader: Box<dyn Read + '_> = source.open(file)?;
    let mut lines = Lines::new(reader);
    while let Some((line, text)) = lines.next().map_err(|error| unreadable(&file.path, error))? {
        if line > shape.bounds.max_files as u64 {
            let text = format!("is one line too many; {} are allowed", shape.bounds.max_files);
            return Err(Problem::at(&file.path, line, text).into());
        }
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let listed = listed(shape, bases, text).and_then(|image| {
            survey.put_in(image, split).map_err(|other| {
                format!("{} is in the split {split} and in the split {other}", shape.path(image))
            })
        });
        if let Err(text) = listed {
            survey.problems.add(Problem::at(&file.path, line, text));
        }
    }
    Ok(())
}

fn listed(shape: &Shape, bases: &[String], text: &str) -> Result<u32, String> {
    let found = bases.iter().flat_map(|base| [(base, text), (base, below(text))]).find_map(
        |(base, name)| match shape.names.find(base, name) {
            Found::File(image) if shape.files[image as usize].is_image() => Some(image),
            _ => None,
        },
    );
    found.ok_or_else(|| format!("{} is not among the images", shown(text)))
}
