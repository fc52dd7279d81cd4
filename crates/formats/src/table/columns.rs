//! Which column is which, by its name.
//!
//! Promise: a column is taken for what it is only by its name, and never one of two that could be it.

use crate::shown;

/// Names of columns for the image. Those of the second line count only where none of the first is there: they may mean other things.
const IMAGE: [&[&str]; 2] = [
    &["filename", "file", "filepath", "path", "image", "imagepath", "imagefile", "imagefilename"],
    &[
        "imageid",
        "imagename",
        "img",
        "imgname",
        "imgpath",
        "imgid",
        "id",
        "idcode",
        "name",
        "fname",
    ],
];
/// Names of columns for the class.
const LABEL: [&[&str]; 2] = [
    &["label", "class", "category", "classname", "labelname", "categoryname"],
    &[
        "labels",
        "classes",
        "categories",
        "tags",
        "target",
        "diagnosis",
        "choice",
        "breed",
        "species",
        "classid",
        "labelid",
        "categoryid",
    ],
];
const SPLIT: [&[&str]; 1] = [&["split", "subset", "set"]];
/// Columns that may hold several classes.
const PLURAL: [&str; 4] = ["labels", "classes", "categories", "tags"];

/// What is said of a header without a column for the image.
pub(super) const NO_IMAGE: &str = "has no column for the image: the header needs one of filename, file_name, file, filepath, \
     file_path, path, image, image_path";
/// What is said of a header without a column for the label.
pub(super) const NO_LABEL: &str = "has no column for the label: the header needs one of label, class, category, class_name, label_name";

/// The column for the image.
pub(super) fn image(header: &[&str]) -> Result<Option<usize>, String> {
    find(header, &IMAGE, "image")
}

/// The column for the label.
pub(super) fn label(header: &[&str]) -> Result<Option<usize>, String> {
    find(header, &LABEL, "label")
}

/// The column for the split.
pub(super) fn split(header: &[&str]) -> Result<Option<usize>, String> {
    find(header, &SPLIT, "split")
}

/// Whether a column of this name certainly is one for the image.
pub(crate) fn is_certain_image_column(name: &str) -> bool {
    IMAGE[0].contains(&plain(name).as_str())
}

/// Whether a column of this name may hold several classes in a field.
pub(super) fn is_plural(name: &str) -> bool {
    PLURAL.contains(&plain(name).as_str())
}

/// Whether a member or column of this name is for the image.
pub(crate) fn is_image_column(name: &str) -> bool {
    IMAGE.concat().contains(&plain(name).as_str())
}

/// Whether a member or column of this name is for the label.
pub(crate) fn is_label_column(name: &str) -> bool {
    LABEL.concat().contains(&plain(name).as_str())
}

/// Whether a header has all these columns.
pub(super) fn has_all(header: &[&str], names: &[&str]) -> bool {
    names.iter().all(|name| header.iter().any(|own| plain(own) == *name))
}

/// The name in small letters, without what only parts its words.
pub(super) fn plain(name: &str) -> String {
    let letters = name.trim().trim_start_matches('#').chars();
    letters.filter(|c| !matches!(c, ' ' | '-' | '_')).flat_map(char::to_lowercase).collect()
}

fn find(header: &[&str], tiers: &[&[&str]], what: &str) -> Result<Option<usize>, String> {
    for tier in tiers {
        let fitting = |name: &str| tier.contains(&plain(name).as_str());
        let found: Vec<usize> = (0..header.len()).filter(|at| fitting(header[*at])).collect();
        match found.as_slice() {
            [] => {}
            [at] => return Ok(Some(*at)),
            [one, other, ..] => {
                return Ok(Some(the_name(header, &found).ok_or_else(|| {
                    let (name, other) = (shown(header[*one]), shown(header[*other]));
                    format!("has two columns for the {what}: {name} and {other}; leave one")
                })?));
            }
        }
    }
    Ok(None)
}

/// Of `label` and `label_name` the name counts: the other is its number.
fn the_name(header: &[&str], found: &[usize]) -> Option<usize> {
    let [one, other] = found else { return None };
    let (first, second) = (plain(header[*one]), plain(header[*other]));
    if first == format!("{second}name") && second != "file" && second != "image" {
        return Some(*one);
    }
    (second == format!("{first}name") && first != "file" && first != "image").then_some(*other)
}
