//! Whether folders are classes, where nothing else tells what the images show.
//!
//! Promise: a folder that only holds images, masks or a split is never taken for a class, unless its owner says that it is one.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{TEXT, is_image};
use crate::lines::Lines;
use crate::shape::Shape;
use crate::source::{Source, unreadable};
use crate::{FilePath, Format, Problem, Problems, Refusal, Split};

/// The format of class folders, if the folders can be classes.
///
/// `others` are tables that say nothing of images: where the folders are no classes, perhaps labels are in them after all.
pub(crate) fn class_folders(
    shape: &Shape,
    others: &[Problem],
    source: &mut Source<'_>,
) -> Result<Format, Refusal> {
    no_lists(shape, source)?;
    let images: Vec<&FilePath> = shape.images().map(|(_, file)| &file.path).collect();
    if images.is_empty() {
        // The reader says what is missing.
        return Ok(Format::ImageFolder);
    }
    if let Some(stray) = images.iter().find(|path| path.top_folder().is_none()) {
        return Err(Problem::whole(none_fits(stray)).into());
    }
    let tops: BTreeSet<&str> = images.iter().filter_map(|path| path.top_folder()).collect();
    let checks = [
        one_around(&tops, &images),
        no_class(&tops, &images),
        splits(&tops),
        parallel(&tops, &images),
    ];
    let Some(text) = checks.into_iter().flatten().next() else { return Ok(Format::ImageFolder) };
    let mut problems = Problems::from(Problem::whole(text));
    for other in others {
        problems.add(other.clone());
    }
    Err(Refusal::Problems(problems))
}

fn none_fits(stray: &FilePath) -> String {
    format!(
        "no format fits: imagefolder has each image in the folder of its class, but {stray} lies in none; coco has a JSON file \
         with \"images\"; yolo has data.yaml or classes.txt; csv has labels.csv"
    )
}

/// One folder around everything is seldom a class.
fn one_around(tops: &BTreeSet<&str>, images: &[&FilePath]) -> Option<String> {
    let mut only = tops.iter();
    let (Some(top), None) = (only.next(), only.next()) else { return None };
    if Split::of_folder(top).is_some() || images.iter().any(|path| path.folder() == *top) {
        return None;
    }
    Some(format!(
        "all images lie in folders below the one folder {top}: take the files below it as the dataset, or say that the \
         format is imagefolder if {top} is the only class"
    ))
}

/// Words of folders that hold images, masks or annotations, whatever these show.
const NO_CLASS: [&str; 34] = [
    "images",
    "image",
    "img",
    "imgs",
    "pictures",
    "photos",
    "pics",
    "frames",
    "jpegimages",
    "jpegs",
    "data",
    "dataset",
    "datasets",
    "input",
    "inputs",
    "set",
    "obj",
    "masks",
    "labels",
    "label",
    "annotations",
    "annotation",
    "annots",
    "ann",
    "segmentation",
    "segmentations",
    "segmentationclass",
    "segmentationobject",
    "groundtruth",
    "gt",
    "unlabeled",
    "unlabelled",
    "thumbnails",
    "crops",
];

/// A folder whose name says what its files are, not what they show.
fn no_class(tops: &BTreeSet<&str>, images: &[&FilePath]) -> Option<String> {
    let are_splits = tops.iter().all(|top| Split::of_folder(top).is_some());
    let class = |path: &FilePath| {
        let mut folders = path.folders();
        if are_splits { folders.nth(1) } else { folders.next() }.map(str::to_owned)
    };
    let classes: BTreeSet<String> = images.iter().filter_map(|path| class(path)).collect();
    let last = |folder: &str| folder.rsplit('/').next().unwrap_or(folder).to_owned();
    let named: Vec<&String> = classes.iter().filter(|folder| is_no_class(&last(folder))).collect();
    if named.is_empty() {
        return None;
    }
    let shown = named.iter().take(5).map(|folder| folder.as_str()).collect::<Vec<_>>().join(", ");
    let masks = if named.iter().any(|folder| is_of_masks(&last(folder))) {
        "; masks of pixels are not read, leave them out"
    } else {
        ""
    };
    Some(format!(
        "no labels were found, and folders called {shown} are no classes: put each image in a folder that is named after its \
         class, or add labels.csv or annotations as COCO or YOLO{masks}; say that the format is imagefolder if they are classes"
    ))
}

/// Whether every word of a name tells a container or a split.
fn is_no_class(name: &str) -> bool {
    let mut words = name
        .split(|c: char| !c.is_alphanumeric())
        .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase());
    let mut any = false;
    let all = words.all(|word| {
        let tells = NO_CLASS.contains(&word.as_str());
        any |= tells;
        tells || word.is_empty() || Split::of_folder(&word).is_some()
    });
    all && any
}

fn is_of_masks(name: &str) -> bool {
    let name = name.to_lowercase();
    ["mask", "segmentation", "gt", "groundtruth"].iter().any(|word| name.contains(word))
}

/// Images that are masks of others: they lie in a folder of masks and are named like another image. Where annotations tell what images
/// show, masks would be taken for background.
pub(crate) fn masks(shape: &Shape) -> Vec<(u32, Problem)> {
    const FOLDERS: [&str; 12] = [
        "masks",
        "mask",
        "segmentationclass",
        "segmentationobject",
        "stuffthingmaps",
        "gtfine",
        "gtcoarse",
        "trimaps",
        "groundtruth",
        "ground_truth",
        "labels",
        "annotations",
    ];
    let is_mask_folder = |path: &FilePath| {
        path.folder().split('/').any(|part| FOLDERS.contains(&part.to_lowercase().as_str()))
    };
    let (masks, others): (Vec<_>, Vec<_>) =
        shape.images().partition(|(_, file)| is_mask_folder(&file.path));
    if masks.is_empty() {
        return Vec::new();
    }
    let stems: BTreeSet<&str> = others.iter().map(|(_, file)| file.path.stem()).collect();
    let of_another = |stem: &str| {
        let stem = stem.strip_suffix("_mask").unwrap_or(stem);
        stems.contains(stem)
    };
    let masks = masks.into_iter().filter(|(_, file)| of_another(file.path.stem()));
    let text = "is a mask of another image, and masks are not read: leave it out";
    masks.map(|(image, file)| (image, Problem::of(&file.path, text))).collect()
}

/// Folders called `train2017` or `seg_train` are splits whose names are not read as such.
fn splits(tops: &BTreeSet<&str>) -> Option<String> {
    let are_like = tops.iter().all(|top| Split::of_words(top).is_some());
    let exact = tops.iter().any(|top| Split::of_folder(top).is_some());
    let like: Vec<&str> =
        tops.iter().copied().filter(|top| Split::of_words(top).is_some()).collect();
    let different: BTreeSet<Split> = like.iter().filter_map(|top| Split::of_words(top)).collect();
    // Beside two splits, a third folder is no class either (`seg_train`, `seg_test`, `seg_pred`).
    if exact || !(are_like || different.len() > 1) {
        return None;
    }
    let shown = like.join(", ");
    Some(format!(
        "the folders {shown} are called like splits, and no labels were found: call them train, val and test and put a folder \
         for each class into them, or say that the format is imagefolder if they are classes"
    ))
}

/// Folders that hold folders of the same names: the classes, or splits, may be above or below.
fn parallel(tops: &BTreeSet<&str>, images: &[&FilePath]) -> Option<String> {
    const SHARED: usize = 2;
    if tops.iter().all(|top| Split::of_folder(top).is_some()) {
        return None;
    }
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in images {
        let mut parts = path.as_str().split('/');
        let (Some(top), Some(second), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        below.entry(top).or_default().insert(second);
    }
    let mut folders = below.iter();
    let (first, inner) = folders.next()?;
    for (other, others) in folders {
        let shared: Vec<&str> = inner.intersection(others).copied().collect();
        let are_splits = |name: &&str| Split::of_folder(name).is_some();
        if shared.len() >= SHARED || (!shared.is_empty() && inner.iter().all(are_splits)) {
            let shown = shared.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            return Some(format!(
                "the folders {first} and {other} hold folders of the same names ({shown}), so that it is not certain which are \
                 the classes: put splits above classes, or say that the format is imagefolder if {first} and {other} are classes"
            ));
        }
    }
    None
}

/// So many lines of a text are looked at.
const LOOKED_AT: u64 = 20;

/// A text that lists images is not passed over.
fn no_lists(shape: &Shape, source: &mut Source<'_>) -> Result<(), Refusal> {
    for (_, file) in shape.annotations(TEXT) {
        let mut lines = Lines::new(source.open(file)?);
        loop {
            match lines.next().map_err(|error| unreadable(&file.path, error)) {
                Ok(Some((line, text))) if line <= LOOKED_AT => {
                    let mut words = text.split([' ', '\t', ',', ';']);
                    if words.any(is_image) {
                        let text = "names images, and lists of this kind are not read: write a labels.csv with the columns \
                                    filename and label";
                        return Err(Problem::at(&file.path, line, text).into());
                    }
                }
                // What is no text lists nothing.
                Ok(_) | Err(Refusal::Problems(_)) => break,
                Err(unreadable) => return Err(unreadable),
            }
        }
    }
    Ok(())
}
