//! From which folder the file names in an annotation file count.
//!
//! Promise: one folder for the whole file: the one in which most of its names are found. The formats themselves do not say which.

use std::collections::BTreeSet;

use crate::names::Found;
use crate::shape::{File, Shape};
use crate::{FilePath, Split, shown};

/// So many names are tried in each folder.
pub(crate) const TRIED: usize = 200;

/// So many folders are tried.
const MOST_FOLDERS: usize = 64;

/// Folders that usually hold images, whatever their split.
const USUAL: [&str; 4] = ["images", "data", "img", "jpegimages"];

/// Where images are.
pub(crate) struct Places<'a> {
    shape: &'a Shape,
    /// Every folder that holds an image, or a folder that does.
    folders: BTreeSet<&'a str>,
}

/// A folder from which file names count.
pub(crate) struct Base<'a> {
    folder: &'a str,
    shape: &'a Shape,
}

impl<'a> Places<'a> {
    pub(crate) fn new(shape: &'a Shape) -> Self {
        let folders = shape.images().flat_map(|(_, file)| file.path.folders()).collect();
        Self { shape, folders }
    }

    /// The folder in which most of these names are found. They are those in `annotations`, or the first of them.
    pub(crate) fn choose<'n, N: Iterator<Item = &'n str>>(
        &self,
        annotations: &'a FilePath,
        names: impl Fn() -> N,
    ) -> Base<'a> {
        let names = || names().take(TRIED);
        let wanted = names().count();
        let (mut best, mut most) = (annotations.folder(), 0);
        for base in self.likely(annotations).into_iter().take(MOST_FOLDERS) {
            let is_there =
                |name: &&str| matches!(self.shape.names.find(base, name), Found::File(_));
            let found = names().filter(is_there).count();
            if found > most {
                (best, most) = (base, found);
            }
            if most == wanted {
                break;
            }
        }
        Base { folder: best, shape: self.shape }
    }

    /// Where images may be, the likeliest first: beside the file, in the folders above it, and wherever a folder of images has the
    /// file's name or split, or a usual name.
    fn likely(&self, annotations: &'a FilePath) -> Vec<&'a str> {
        let mut likely: Vec<&str> = annotations.folders().collect();
        likely.reverse();
        likely.push("");
        let stem = annotations.stem();
        let split = Split::of_words(stem).or_else(|| Split::of_folders(annotations.folder()));
        let fits = |folder: &str| {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            let of_split = split.is_some() && Split::of_words(name) == split;
            of_split
                || stem.ends_with(name)
                || USUAL.iter().any(|usual| usual.eq_ignore_ascii_case(name))
        };
        likely.extend(self.folders.iter().filter(|folder| fits(folder)));
        likely
    }
}

impl<'a> Base<'a> {
    /// The image that a name means.
    pub(crate) fn image(&self, name: &str) -> Result<(u32, &'a File), String> {
        let absent = || match self.folder {
            "" => format!("{} is not among the files", shown(name)),
            folder => format!("{} is not among the files in {folder}", shown(name)),
        };
        match self.shape.names.find(self.folder, name) {
            Found::File(number) => {
                let file = &self.shape.files[number as usize];
                let image = file.is_image().then_some((number, file));
                image.ok_or_else(|| format!("{} is no image", shown(name)))
            }
            Found::Almost(number) => {
                let other = self.shape.path(number);
                Err(format!("{}; {other} is spelled otherwise", absent()))
            }
            Found::Folder => Err(format!("{} is a folder, no image", shown(name))),
            Found::Nothing => Err(absent()),
        }
    }
}
