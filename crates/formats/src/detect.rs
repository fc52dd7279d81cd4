//! Finds out how a dataset is laid out.
//!
//! Promise: never a guess. If more than one format fits, or none, the refusal says which and what to do.

use crate::kind::JSON;
use crate::shape::Shape;
use crate::source::Source;
use crate::{Format, Problem, Refusal, coco, csv_labels, yolo};

/// The one format that fits. Class folders count only where nothing else does: images of every format lie in folders.
pub(crate) fn detect(shape: &Shape, source: &mut Source<'_>) -> Result<Format, Refusal> {
    let mut fitting = Vec::new();
    for (_, file) in shape.annotations(JSON) {
        if coco::seems_coco(file, source)? {
            fitting.push(Format::Coco);
            break;
        }
    }
    if yolo::seems_yolo(shape, source)? {
        fitting.push(Format::Yolo);
    }
    if csv_labels::seems_csv(shape, source)? {
        fitting.push(Format::Csv);
    }
    match fitting.as_slice() {
        [format] => Ok(*format),
        [] if shape.images().all(|(_, file)| file.path.top_folder().is_some()) => {
            Ok(Format::ImageFolder)
        }
        [] => Err(Problem::whole(none_fits(shape)).into()),
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

fn none_fits(shape: &Shape) -> String {
    let stray = shape.images().find(|(_, file)| file.path.top_folder().is_none());
    let stray =
        stray.map_or_else(String::new, |(_, file)| format!(", but {} lies in none", file.path));
    format!(
        "no format fits: imagefolder has each image in the folder of its class{stray}; coco has a JSON file with \"images\"; yolo \
         has data.yaml or classes.txt; csv has labels.csv"
    )
}
