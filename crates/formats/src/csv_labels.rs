//! Images and a CSV file (RFC 4180) with a row for each label: `labels.csv`, or any with such a header.
//!
//! Promise: each row names an image that is there and a class. An image without a row is not labelled; one with several has several
//! labels.

mod columns;
mod rows;

use rows::{Row, Rows};

use crate::bounds::{MOST_ANNOTATION_FILES, TOO_MANY_FILES};
use crate::kind::CSV;
use crate::places::{Base, Places, TRIED};
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::survey::Survey;
use crate::{FilePath, Problem, Refusal, Split, shown};

/// The usual name.
const USUAL: &str = "labels.csv";

/// Whether there is a CSV file that is named as the usual one or has such a header.
pub(crate) fn seems_csv(shape: &Shape, source: &mut Source<'_>) -> Result<bool, Refusal> {
    for (_, file) in shape.annotations(CSV) {
        if is_usual(&file.path) || has_columns(file, source)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the files of the usual name; if there is none, all that have such a header.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let mut files: Vec<&File> = shape.annotations(CSV).map(|(_, file)| file).collect();
    if files.is_empty() {
        let text = "the format csv needs a CSV file with a row for each label, such as labels.csv; there is none";
        return Err(Problem::whole(text).into());
    }
    if files.iter().any(|file| is_usual(&file.path)) {
        files.retain(|file| is_usual(&file.path));
    } else if files.len() > 1 {
        let mut fitting = Vec::new();
        for file in &files {
            if has_columns(file, source)? {
                fitting.push(*file);
            }
        }
        // If none fits, each says why.
        if !fitting.is_empty() {
            files = fitting;
        }
    }
    if let Some(file) = files.get(MOST_ANNOTATION_FILES) {
        return Err(Problem::of(&file.path, TOO_MANY_FILES).into());
    }
    let places = Places::new(shape);
    for file in files {
        match read_one(survey, file, &places, source) {
            Err(Refusal::Problems(problems)) => survey.add_all(&problems),
            read => read?,
        }
    }
    survey.splits_by_folder();
    Ok(())
}

fn is_usual(path: &FilePath) -> bool {
    path.name().eq_ignore_ascii_case(USUAL)
}

fn has_columns(file: &File, source: &mut Source<'_>) -> Result<bool, Refusal> {
    match Rows::open(file, source) {
        Ok(_) => Ok(true),
        Err(Refusal::Problems(_)) => Ok(false),
        Err(unreadable @ Refusal::Unreadable { .. }) => Err(unreadable),
    }
}

fn read_one<'a>(
    survey: &mut Survey<'a>,
    file: &'a File,
    places: &Places<'a>,
    source: &mut Source<'_>,
) -> Result<(), Refusal> {
    let names = first_names(file, source)?;
    let base = places.choose(&file.path, || names.iter().map(String::as_str));
    let whole = Split::of_words(file.path.stem());
    let mut rows = Rows::open(file, source)?;
    let mut any = false;
    while let Some(row) = rows.next()? {
        any = true;
        if let Err((line, text)) = row.and_then(|row| {
            let line = row.line;
            take(survey, &base, &row, whole).map_err(|text| (line, text))
        }) {
            survey.problems.add(Problem::at(&file.path, line, text));
        }
        if survey.problems.is_full() {
            break;
        }
    }
    if any { Ok(()) } else { Err(Problem::of(&file.path, "has no row below its header").into()) }
}

fn take(
    survey: &mut Survey<'_>,
    base: &Base<'_>,
    row: &Row<'_>,
    whole: Option<Split>,
) -> Result<(), String> {
    if row.image.is_empty() {
        return Err("names no image".to_owned());
    }
    let (image, file) = base.image(row.image)?;
    let class = survey.classes.number(row.label)?;
    let split = match row.split {
        None | Some("") => whole,
        Some(text) => Some(Split::of_words(text).ok_or_else(|| {
            format!("{} is no split; there are train, val and test", shown(text))
        })?),
    };
    if let Some(Err(other)) = split.map(|split| survey.put_in(image, split)) {
        return Err(format!("{} is in the split {other} already, by another row", file.path));
    }
    survey.label(image, Some(class), 1)
}

fn first_names(file: &File, source: &mut Source<'_>) -> Result<Vec<String>, Refusal> {
    let mut rows = Rows::open(file, source)?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.extend(row.ok().map(|row| row.image.to_owned()));
        if names.len() == TRIED {
            break;
        }
    }
    Ok(names)
}
