//! The splits that `data.yaml` names: folders, or text files that list images.
//!
//! Invariant: an item is in one split. What a description names is there.

use super::description::Description;
use crate::lines::Lines;
use crate::names::Found;
use crate::places::{Places, TRIED};
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
            // Roboflow names a test split also where there is none.
            None if *split == Split::Test => {
                let text =
                    format!("the split test names {}, which is not in the dataset", shown(text));
                survey.notes.add(Problem::at(&description.path, *line, text));
                Ok(())
            }
            None => Err((*line, absent(*split, text))),
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

/// What is said of a split that is not there.
fn absent(split: Split, text: &str) -> String {
    let what = if text.contains("://") {
        "a URL: put the images into the dataset and name their folder"
    } else if is_absolute(text) {
        "an absolute path that is not in the dataset: write it relative to data.yaml, such as images/train"
    } else {
        "which is not in the dataset: add it, or leave the split out"
    };
    format!("the split {split} names {}, {what}", shown(text))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '~']) || path.as_bytes().get(1) == Some(&b':')
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
    let as_it_stands = [text.to_owned(), below(text).to_owned()];
    let ends = ends(text);
    as_it_stands.iter().chain(&ends).find_map(|name| {
        bases.iter().find_map(|base| match shape.names.find(base, name) {
            Found::File(file) => {
                let file = &shape.files[file as usize];
                (!file.is_image()).then_some(Place::List(file))
            }
            // Also one that is spelled in another case.
            Found::Folder | Found::Nothing => shape.names.folder(base, name).map(Place::Folder),
            Found::Almost(_) => None,
        })
    })
}

/// The ends of a path that was written elsewhere, the longest first: each still tells which images are meant, since it has a folder
/// or the word of a split in it.
fn ends(text: &str) -> Vec<String> {
    let parts: Vec<&str> =
        text.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let tells = |end: &[&str]| match end {
        [] => false,
        [one] => Split::of_words(one.strip_suffix(".txt").unwrap_or(one)).is_some(),
        _ => true,
    };
    let ends = (1..parts.len()).map(|from| &parts[from..]);
    ends.filter(|end| tells(end)).map(|end| end.join("/")).collect()
}

fn put_folder(survey: &mut Survey<'_>, folder: &str, split: Split) -> Result<(), String> {
    let mut any = false;
    for (image, file) in survey.shape.images() {
        if file.path.as_str().starts_with(folder) {
            any = true;
            survey.put_in(image, split).map_err(|other| {
                format!(
                    "{} is in the split {split} and in the split {other}: give each split its own images, or leave one of them out and split \
                     the dataset once it is imported",
                    file.path
                )
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
    let names = first_names(file, source)?;
    // Where names were written elsewhere, all of them have the same folders before.
    let places = Places::new(shape);
    let (elsewhere, _) = places.choose(&file.path, || names.iter().map(String::as_str));
    let mut lines = Lines::new(source.open(file)?);
    while let Some((line, text)) = lines.next().map_err(|error| unreadable(&file.path, error))? {
        if line > shape.bounds.max_files as u64 {
            let text = format!("is one line too many; {} are allowed", shape.bounds.max_files);
            return Err(Problem::at(&file.path, line, text).into());
        }
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let found = listed(shape, bases, text).or_else(|| Some(elsewhere.image(text).ok()?.0));
        let listed = found.ok_or_else(|| {
            format!("{} is not among the images: add it, or take the line out", shown(text))
        });
        let put = listed.and_then(|image| {
            survey.put_in(image, split).map_err(|other| {
                format!("{} is in the split {split} and in the split {other}: give each split its own images", shape.path(image))
            })
        });
        if let Err(text) = put {
            survey.problems.add(Problem::at(&file.path, line, text));
        }
    }
    Ok(())
}

fn first_names(file: &File, source: &mut Source<'_>) -> Result<Vec<String>, Refusal> {
    let mut lines = Lines::new(source.open(file)?);
    let mut names = Vec::new();
    while names.len() < TRIED
        && let Some((_, text)) = lines.next().map_err(|error| unreadable(&file.path, error))?
    {
        if !text.trim().is_empty() {
            names.push(text.trim().to_owned());
        }
    }
    Ok(names)
}

fn listed(shape: &Shape, bases: &[String], text: &str) -> Option<u32> {
    bases.iter().flat_map(|base| [(base, text), (base, below(text))]).find_map(|(base, name)| {
        match shape.names.find(base, name) {
            Found::File(image) if shape.files[image as usize].is_image() => Some(image),
            _ => None,
        }
    })
}
