//! Images and a table of their labels: `labels.csv`, any CSV file with such a header (RFC 4180), JSON Lines, or the JSON of a labelling
//! tool.
//!
//! Promise: each row names an image that is there and its classes. An image without a row is not labelled; one with several has several
//! labels.

mod columns;
mod csv_file;
mod groups;
mod labels;
mod layout;
mod records;
mod rows;

pub(crate) use columns::{is_certain_image_column, is_image_column, is_label_column};
pub(crate) use groups::column;
use layout::CsvKind;

use crate::bounds::{MOST_ANNOTATION_FILES, TOO_MANY_FILES};
use crate::json::{JsonKind, Tool, kind_of};
use crate::kind::{CSV, JSON, JSON_LINES, has_extension};
use crate::places::{Base, Places};
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::survey::Survey;
use crate::{FilePath, Problem, Problems, Refusal, Split};

/// The usual name.
const USUAL: &str = "labels.csv";

/// A table, and how it is read.
#[derive(Debug)]
enum Table<'a> {
    Csv(&'a File, layout::Layout),
    Json(&'a File, Tool),
}

/// What there is of tables in a dataset.
#[derive(Debug, Default)]
pub(crate) struct Tables<'a> {
    readable: Vec<Table<'a>>,
    /// Those that name images and are not read: why, and the remedy.
    pub(crate) foreign: Vec<Problem>,
    /// Those that are no tables of labels: what they lack.
    pub(crate) others: Vec<Problem>,
    /// COCO's files, among the JSON files.
    pub(crate) coco: usize,
}

impl Tables<'_> {
    /// Whether any can be read.
    pub(crate) const fn any(&self) -> bool {
        !self.readable.is_empty()
    }
}

/// Looks at all tables of a dataset.
pub(crate) fn find<'a>(
    shape: &'a Shape,
    places: &Places<'a>,
    source: &mut Source<'_>,
) -> Result<Tables<'a>, Refusal> {
    let mut found = Tables::default();
    let csv: Vec<&File> = shape.annotations(CSV).map(|(_, file)| file).collect();
    let usual: Vec<&File> = csv.iter().copied().filter(|file| is_usual(&file.path)).collect();
    for file in if usual.is_empty() { csv } else { usual } {
        if !is_submission(&file.path) && !is_description(&file.path) {
            found.csv(file, places, source)?;
        }
    }
    for extensions in [JSON, JSON_LINES] {
        for (_, file) in shape.annotations(extensions) {
            found.json(file, source)?;
        }
    }
    Ok(found)
}

impl<'a> Tables<'a> {
    fn csv(
        &mut self,
        file: &'a File,
        places: &Places<'a>,
        source: &mut Source<'_>,
    ) -> Result<(), Refusal> {
        match layout::layout(file, places, source) {
            Ok(CsvKind::Labels(layout)) => self.readable.push(Table::Csv(file, layout)),
            Ok(CsvKind::Foreign(problem)) => self.foreign.push(problem),
            Ok(CsvKind::Other(problem)) if is_usual(&file.path) => self.foreign.push(problem),
            Ok(CsvKind::Other(problem)) => self.others.push(problem),
            Err(Refusal::Problems(problems)) => self.foreign.extend(problems.iter().cloned()),
            Err(unreadable @ Refusal::Unreadable { .. }) => return Err(unreadable),
        }
        Ok(())
    }

    fn json(&mut self, file: &'a File, source: &mut Source<'_>) -> Result<(), Refusal> {
        match kind_of(file, source)? {
            JsonKind::Coco => self.coco += 1,
            JsonKind::Labels(tool) => self.readable.push(Table::Json(file, tool)),
            JsonKind::Foreign(text) => self.foreign.push(Problem::of(&file.path, text)),
            JsonKind::Broken(problem) => self.foreign.push(problem),
            JsonKind::Other => {
                let text =
                    "names no image of the dataset: if it holds labels, write them as labels.csv";
                self.others.push(Problem::of(&file.path, text));
            }
        }
        Ok(())
    }
}

/// Reads all tables.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let places = Places::new(shape);
    let Tables { readable: tables, foreign, others, .. } = find(shape, &places, source)?;
    if tables.is_empty() {
        return Err(none(foreign, others));
    }
    if let Some(table) = tables.get(MOST_ANNOTATION_FILES) {
        return Err(Problem::of(table.path(), TOO_MANY_FILES).into());
    }
    one_kind(&tables)?;
    let descriptions = csv_file::descriptions(shape, source)?;
    for table in &tables {
        let read = match table {
            Table::Csv(file, layout) => {
                csv_file::read(survey, file, layout, &places, &descriptions, source)
            }
            Table::Json(file, tool) => records::read(survey, file, *tool, &places, source),
        };
        match read {
            Err(Refusal::Problems(problems)) => survey.add_all(&problems),
            read => read?,
        }
    }
    for problem in foreign {
        survey.notes.add(Problem { text: format!("was not read: {}", problem.text), ..problem });
    }
    for (_, file) in shape.annotations(CSV).filter(|(_, file)| is_submission(&file.path)) {
        survey.notes.add(Problem::of(&file.path, "was not read: it is named as a submission"));
    }
    survey.splits_by_folder();
    Ok(())
}

/// Why no table can be read.
fn none(foreign: Vec<Problem>, others: Vec<Problem>) -> Refusal {
    let mut problems = Problems::default();
    let is_csv =
        |problem: &Problem| problem.path.as_ref().is_some_and(|path| has_extension(path, CSV));
    let lacking = others.into_iter().filter(is_csv).collect();
    for problem in if foreign.is_empty() { lacking } else { foreign } {
        problems.add(problem);
    }
    if problems.is_empty() {
        let text = "the format csv needs a file with a row for each label, such as labels.csv or metadata.jsonl; there is none";
        problems.add(Problem::whole(text));
    }
    Refusal::Problems(problems)
}

/// A tool that exports its labels twice, as CSV and as JSON, would have each counted twice.
fn one_kind(tables: &[Table<'_>]) -> Result<(), Refusal> {
    let csv = tables.iter().find(|table| matches!(table, Table::Csv(..)));
    let json = tables.iter().find(|table| matches!(table, Table::Json(..)));
    let (Some(csv), Some(json)) = (csv, json) else { return Ok(()) };
    let (csv, json) = (csv.path(), json.path());
    let text = format!("{csv} and {json} both hold labels: leave out one of them");
    Err(Problem::whole(text).into())
}

impl Table<'_> {
    const fn path(&self) -> &FilePath {
        match self {
            Self::Csv(file, _) | Self::Json(file, _) => &file.path,
        }
    }
}

/// What a row or an entry says.
struct Record<'r> {
    image: &'r str,
    classes: &'r [String],
    split: Option<Split>,
}

/// Notes what a record says.
fn take(survey: &mut Survey<'_>, base: &Base<'_>, record: &Record<'_>) -> Result<(), String> {
    if record.image.is_empty() {
        return Err("names no image".to_owned());
    }
    let (image, file) = base.image(record.image)?;
    if let Some(Err(other)) = record.split.map(|split| survey.put_in(image, split)) {
        return Err(format!("{} is in the split {other} already, by another row", file.path));
    }
    for class in record.classes {
        let class = survey.classes.number(class)?;
        survey.label(image, Some(class), 1)?;
    }
    Ok(())
}

/// The split that a text names.
fn split_of(text: &str, whole: Option<Split>) -> Result<Option<Split>, String> {
    if text.is_empty() {
        return Ok(whole);
    }
    let split = Split::of_words(text);
    let none = || format!("{} is no split; there are train, val and test", crate::shown(text));
    split.map(Some).ok_or_else(none)
}

fn is_usual(path: &FilePath) -> bool {
    path.name().eq_ignore_ascii_case(USUAL)
}

/// Kaggle's example of what to hand in: its labels are made up.
fn is_submission(path: &FilePath) -> bool {
    path.stem().to_lowercase().contains("submission")
}

/// Open Images' names of classes.
fn is_description(path: &FilePath) -> bool {
    path.stem().to_lowercase().contains("class-descriptions")
}
