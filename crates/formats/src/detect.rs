//! Finds out how a dataset is laid out.
//!
//! Promise: never a guess. If more than one format fits, or none, the refusal says which and what to do.

use crate::kind::JSON;
use crate::shape::Shape;
use crate::source::Source;
use crate::{FilePath, Format, Problem, Refusal, Split, coco, csv_labels, yolo};

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
        [] => class_folders(shape),
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

fn class_folders(shape: &Shape) -> Result<Format, Refusal> {
    let images = || shape.images().map(|(_, file)| &file.path);
    if let Some(stray) = images().find(|path| path.top_folder().is_none()) {
        return Err(Problem::whole(none_fits(stray)).into());
    }
    // One folder around everything is seldom a class.
    let top = images().next().and_then(FilePath::top_folder);
    let around = |path: &FilePath| path.top_folder() == top && Some(path.folder()) != top;
    match top {
        Some(top) if Split::of_folder(top).is_none() && images().all(around) => {
            let text = format!(
                "all images lie in folders below the one folder {top}: take the files below it as the dataset, or say that the \
                 format is imagefolder if {top} is the only class"
            );
            Err(Problem::whole(text).into())
        }
        _ => Ok(Format::ImageFolder),
    }
}

fn none_fits(stray: &FilePath) -> String {
    format!(
        "no format fits: imagefolder has each image in the folder of its class, but {stray} lies in none; coco has a JSON file \
         with \"images\"; yolo has data.yaml or classes.txt; csv has labels.csv"
    )
}
