//! Images in class folders; above them perhaps a folder for each split.
//!
//! Invariant: every image is of the one class whose folder it lies in. Splits are taken for splits only if all top folders are
//! named so.

use std::collections::BTreeSet;

use crate::survey::Survey;
use crate::{FilePath, Problem, Refusal, Split};

/// Reads the folders' names.
pub(crate) fn read(survey: &mut Survey<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let splits = split_folders(survey)?;
    for (image, file) in shape.images() {
        let placed = place(&file.path, splits).and_then(|(split, class)| {
            let class = survey.classes.number(class)?;
            if let Some(split) = split {
                survey.put_in(image, split).ok();
            }
            survey.label(image, Some(class), 1)
        });
        if let Err(text) = placed {
            survey.problems.add(Problem::of(&file.path, text));
        }
    }
    let deepest = usize::from(splits) + 1;
    for file in shape.files.iter().filter(|file| file.kind == crate::FileKind::Annotation) {
        if file.path.folders().count() >= deepest {
            let text = "lies in a class folder, where only images may be";
            survey.problems.add(Problem::of(&file.path, text));
        }
    }
    Ok(())
}

/// The split and the class that a path tells.
fn place(path: &FilePath, splits: bool) -> Result<(Option<Split>, &str), String> {
    let mut folders = path.as_str().split('/');
    folders.next_back();
    let split = if splits { folders.next().and_then(Split::of_folder) } else { None };
    match folders.next() {
        Some(class) => Ok((split, class)),
        None if splits => Err("lies in a split folder, but in no class folder there: move it into the folder of its class, or leave it out".to_owned()),
        None => Err("lies in no class folder: move it into the folder of its class, or leave it out".to_owned()),
    }
}

/// Whether the top folders are splits.
fn split_folders(survey: &Survey<'_>) -> Result<bool, Refusal> {
    let images = || survey.shape.images().map(|(_, file)| &file.path);
    let tops: BTreeSet<_> = images().filter_map(FilePath::top_folder).collect();
    let (splits, others): (Vec<_>, Vec<_>) =
        tops.into_iter().partition(|folder| Split::of_folder(folder).is_some());
    if splits.is_empty() || others.is_empty() {
        return Ok(!splits.is_empty());
    }
    // A class may be called "train", but then its folder holds images, not folders.
    let holds_classes =
        |top: &str| images().any(|path| path.top_folder() == Some(top) && path.folder() != top);
    let Some(split) = splits.iter().find(|split| holds_classes(split)) else { return Ok(false) };
    let text = format!(
        "the folder {} lies beside the split folder {split}: put its class folders into a split folder, too, or give the split \
         folder another name",
        others.first().copied().unwrap_or_default(),
    );
    Err(Problem::whole(text).into())
}
