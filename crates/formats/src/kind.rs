//! What a file is, by its name.
//!
//! Invariant: a dataset holds images, annotations and texts for people, and nothing else.

use crate::{FilePath, ImageKind};

/// What a file is for a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An image of this kind.
    Image(ImageKind),
    /// Something that may tell what the images show: JSON, JSON Lines, YAML, CSV, text, Darknet's `obj.data` and `obj.names`.
    Annotation,
    /// Something for people, such as README.md or LICENSE: kept, never read.
    Other,
}

/// The extensions of annotations, by format.
pub(crate) const JSON: &[&str] = &["json"];
pub(crate) const JSON_LINES: &[&str] = &["jsonl", "ndjson"];
pub(crate) const CSV: &[&str] = &["csv", "tsv"];
pub(crate) const YAML: &[&str] = &["yaml", "yml"];
pub(crate) const TEXT: &[&str] = &["txt"];
/// Those of Darknet: a list of classes, a description, and Roboflow's list of classes.
pub(crate) const NAMES: &[&str] = &["names", "labels"];
pub(crate) const DATA: &[&str] = &["data"];

/// All of them.
pub(crate) const ANNOTATIONS: [&[&str]; 7] = [JSON, JSON_LINES, CSV, YAML, TEXT, NAMES, DATA];

impl FileKind {
    /// What the name promises; `None` for a file that has no place in a dataset.
    pub fn of(path: &FilePath) -> Option<Self> {
        if is_for_people(path) {
            return Some(Self::Other);
        }
        if ANNOTATIONS.iter().any(|extensions| has_extension(path, extensions)) {
            return Some(Self::Annotation);
        }
        path.extension().and_then(ImageKind::of_extension).map(Self::Image)
    }
}

pub(crate) fn has_extension(path: &FilePath, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|own| extensions.iter().any(|one| own.eq_ignore_ascii_case(one)))
}

/// Whether a text ends like the name of an image.
pub(crate) fn is_image(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && ImageKind::of_extension(extension).is_some()
    })
}

fn is_for_people(path: &FilePath) -> bool {
    const NAMES: [&str; 6] = ["README", "LICENSE", "LICENCE", "COPYING", "NOTICE", "CITATION"];
    const EXTENSIONS: [&str; 4] = ["md", "rst", "cff", "bib"];
    let first = path.name().split('.').next().unwrap_or_default();
    let plain = path.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("txt"));
    (plain && NAMES.iter().any(|name| first.eq_ignore_ascii_case(name)))
        || has_extension(path, &EXTENSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PathProblem;

    #[test]
    fn names_tell_the_kind() -> Result<(), PathProblem> {
        let image = |kind| Some(FileKind::Image(kind));
        for (name, kind) in [
            ("a/1.PNG", image(ImageKind::Png)),
            ("readme.jpg", image(ImageKind::Jpeg)),
            ("LICENSE.png", image(ImageKind::Png)),
            ("README", Some(FileKind::Other)),
            ("cat/README.dataset.txt", Some(FileKind::Other)),
            ("license.TXT", Some(FileKind::Other)),
            ("notes.md", Some(FileKind::Other)),
            ("README.json", Some(FileKind::Annotation)),
            ("labels.CSV", Some(FileKind::Annotation)),
            ("data.yml", Some(FileKind::Annotation)),
            ("train/metadata.jsonl", Some(FileKind::Annotation)),
            ("labels.TSV", Some(FileKind::Annotation)),
            ("obj.data", Some(FileKind::Annotation)),
            ("obj.names", Some(FileKind::Annotation)),
            ("train/_darknet.labels", Some(FileKind::Annotation)),
            ("reader.txt", Some(FileKind::Annotation)),
            ("1.tiff", None),
            ("setup.exe", None),
            ("paper.pdf", None),
            (".DS_Store", None),
            (".png", None),
            ("png", None),
        ] {
            assert_eq!(FileKind::of(&FilePath::parse(name)?), kind, "{name}");
        }
        Ok(())
    }
}
