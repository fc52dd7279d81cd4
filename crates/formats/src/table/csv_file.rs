//! Reads the rows of a CSV file of labels.
//!
//! Promise: each wrong row is told with its line, and the others are read on.

use std::collections::HashMap;

use csv::StringRecord;

use super::labels::{of_field, of_plural};
use super::layout::{Labels, Layout, is_hot, is_missing, missing};
use super::rows::Rows;
use super::{Record, is_description, split_of, take};
use crate::kind::CSV;
use crate::places::{Base, Places, TRIED};
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::survey::Survey;
use crate::{Problem, Refusal, Split, shown};

/// The names of classes by their ids, as Open Images gives them in a file of its own.
pub(super) type Descriptions = HashMap<String, String>;

/// So many are read.
const MOST_DESCRIPTIONS: usize = 100_000;

/// Reads the files that name classes by their ids.
pub(super) fn descriptions(
    shape: &Shape,
    source: &mut Source<'_>,
) -> Result<Descriptions, Refusal> {
    let mut descriptions = Descriptions::new();
    for (_, file) in shape.annotations(CSV).filter(|(_, file)| is_description(&file.path)) {
        let mut rows = Rows::open(file, source)?;
        while descriptions.len() < MOST_DESCRIPTIONS
            && let Some(row) = rows.next()?
        {
            if let Ok((_, row)) = row
                && let (Some(id), Some(name)) = (row.get(0), row.get(1))
            {
                descriptions.insert(id.to_owned(), name.to_owned());
            }
        }
    }
    Ok(descriptions)
}

/// Reads a file.
pub(super) fn read<'a>(
    survey: &mut Survey<'a>,
    file: &'a File,
    layout: &Layout,
    places: &Places<'a>,
    descriptions: &Descriptions,
    source: &mut Source<'_>,
) -> Result<(), Refusal> {
    let names = first_names(file, layout, source)?;
    let (base, _) = places.choose(&file.path, || names.iter().map(String::as_str));
    let reading = Reading { layout, descriptions, whole: Split::of_words(file.path.stem()) };
    let mut rows = Rows::open(file, source)?;
    if layout.has_header {
        rows.next()?;
    }
    let mut any = false;
    while let Some(row) = rows.next()? {
        any = true;
        if let Err((line, text)) =
            row.and_then(|(line, row)| reading.row(survey, &base, row).map_err(|text| (line, text)))
        {
            survey.problems.add(Problem::at(&file.path, line, text));
        }
        if survey.problems.is_full() {
            break;
        }
    }
    if any {
        Ok(())
    } else {
        Err(Problem::of(&file.path, "has no row below its header: add rows, or leave the file out")
            .into())
    }
}

struct Reading<'r> {
    layout: &'r Layout,
    descriptions: &'r Descriptions,
    /// The split of the whole file.
    whole: Option<Split>,
}

impl Reading<'_> {
    fn row(
        &self,
        survey: &mut Survey<'_>,
        base: &Base<'_>,
        row: &StringRecord,
    ) -> Result<(), String> {
        let field = |at: usize| row.get(at).unwrap_or_default();
        let image = field(self.layout.image);
        let is_absent =
            |at: usize| field(at).parse::<f64>().is_ok_and(|confidence| confidence == 0.0);
        let mut classes = match self.layout.confidence {
            Some(confidence) if is_absent(confidence) => Vec::new(),
            _ => self.classes(&field)?,
        };
        for class in &mut classes {
            if let Some(name) = self.descriptions.get(class.as_str()) {
                class.clone_from(name);
            }
        }
        let split = split_of(self.layout.split.map_or("", field), self.whole)?;
        take(survey, base, &Record { image, classes: &classes, split })
    }

    fn classes<'f>(&self, field: &impl Fn(usize) -> &'f str) -> Result<Vec<String>, String> {
        match &self.layout.labels {
            Labels::One { column, may_be_blank } => match field(*column) {
                "" if *may_be_blank => Ok(Vec::new()),
                text if is_missing(text) => Err(missing(text)),
                text => of_field(text),
            },
            Labels::Several(column) => of_plural(field(*column)),
            Labels::OneHot(columns) => {
                let mut classes = Vec::new();
                for (column, name) in columns {
                    let value = field(*column);
                    let is_shown = is_hot(value).ok_or_else(|| {
                        let (value, name) = (shown(value), shown(name));
                        format!("holds {value} in the column {name}, where 0 or 1 belongs")
                    })?;
                    classes.extend(is_shown.then(|| name.clone()));
                }
                Ok(classes)
            }
        }
    }
}

fn first_names(
    file: &File,
    layout: &Layout,
    source: &mut Source<'_>,
) -> Result<Vec<String>, Refusal> {
    let mut rows = Rows::open(file, source)?;
    if layout.has_header {
        rows.next()?;
    }
    let mut names = Vec::new();
    while names.len() < TRIED
        && let Some(row) = rows.next()?
    {
        names.extend(row.ok().and_then(|(_, row)| row.get(layout.image).map(str::to_owned)));
    }
    Ok(names)
}
