//! Finds out how a dataset is laid out.
//!
//! Promise: never a guess. If more than one format fits, or none, the refusal says which and what to do; and annotations that are not
//! understood are named, not passed over for class folders.

use crate::folders::class_folders;
use crate::places::Places;
use crate::shape::Shape;
use crate::source::Source;
use crate::{Format, Problem, Problems, Refusal, table, yolo};

/// What was found.
#[derive(Debug)]
pub(crate) struct Detected {
    pub(crate) format: Format,
    /// Annotations of other layouts, which are not read.
    pub(crate) passed_over: Vec<Problem>,
}

/// The one format that fits. Class folders count only where nothing else does: images of every format lie in folders.
pub(crate) fn detect(shape: &Shape, source: &mut Source<'_>) -> Result<Detected, Refusal> {
    let tables = table::find(shape, &Places::new(shape), source)?;
    let mut fitting = Vec::new();
    if tables.coco > 0 {
        fitting.push(Format::Coco);
    }
    if yolo::seems_yolo(shape, source)? {
        fitting.push(Format::Yolo);
    }
    if tables.any() {
        fitting.push(Format::Csv);
    }
    match fitting.as_slice() {
        [format] => {
            Ok(Detected { format: *format, passed_over: passed_over(*format, tables.foreign) })
        }
        [] => {
            if !tables.foreign.is_empty() {
                return Err(all(tables.foreign));
            }
            yolo::without_names(shape, source)?;
            let format = class_folders(shape, &tables.others, source)?;
            Ok(Detected { format, passed_over: passed_over(format, tables.others) })
        }
        several => {
            let names: Vec<_> = several.iter().map(|format| format.name()).collect();
            let text = format!(
                "more than one format fits: {}; say which it is, or leave out the annotations of the others",
                names.join(", ")
            );
            Err(Problem::whole(text).into())
        }
    }
}

/// What the reader of the format does not tell itself.
fn passed_over(format: Format, foreign: Vec<Problem>) -> Vec<Problem> {
    let is_json = |problem: &Problem| {
        problem
            .path
            .as_ref()
            .is_some_and(|path| crate::kind::has_extension(path, crate::kind::JSON))
    };
    let passed_over = foreign.into_iter().filter(|problem| match format {
        Format::Yolo | Format::ImageFolder => true,
        Format::Coco => !is_json(problem),
        Format::Csv => false,
    });
    passed_over
        .map(|problem| Problem { text: format!("was not read: {}", problem.text), ..problem })
        .collect()
}

fn all(foreign: Vec<Problem>) -> Refusal {
    let mut problems = Problems::default();
    for problem in foreign {
        problems.add(problem);
    }
    Refusal::Problems(problems)
}
