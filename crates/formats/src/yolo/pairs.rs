//! Which label file belongs to which image.
//!
//! Invariant: an image has one label file at most, and every file in a folder of labels belongs to an image.

use std::collections::HashMap;

use crate::FilePath;
use crate::file_path::folded;
use crate::shape::Shape;

/// Images by the path of their label file, without its extension and without regard to case.
pub(super) struct Pairs<'a> {
    shape: &'a Shape,
    images: HashMap<String, Image>,
    /// The label file that each image has got.
    taken: HashMap<u32, &'a FilePath>,
}

enum Image {
    One(u32),
    /// Two images differ only in their extension.
    Two(u32, u32),
}

impl<'a> Pairs<'a> {
    pub(super) fn new(shape: &'a Shape) -> Self {
        let mut images: HashMap<String, Image> = HashMap::new();
        for (image, file) in shape.images() {
            let beside = key(&file.path);
            let labels = beside_images(&beside);
            for key in labels.into_iter().chain([beside]) {
                let found = match images.get(&key) {
                    Some(Image::One(other)) => Image::Two(*other, image),
                    Some(Image::Two(one, other)) => Image::Two(*one, *other),
                    None => Image::One(image),
                };
                images.insert(key, found);
            }
        }
        Self { shape, images, taken: HashMap::new() }
    }

    /// The image to which a text file belongs; `None` if it is no label file.
    pub(super) fn image_of(&mut self, labels: &'a FilePath) -> Result<Option<u32>, String> {
        let image = match self.images.get(&key(labels)) {
            Some(Image::One(image)) => *image,
            Some(Image::Two(one, other)) => {
                let (one, other) = (self.shape.path(*one), self.shape.path(*other));
                return Err(format!(
                    "belongs to {one} and to {other}; one image has one label file"
                ));
            }
            None if is_among_labels(labels) => {
                let stem = without_extension(labels);
                let place = stem.to_ascii_lowercase().rfind("labels").map_or(stem.clone(), |at| {
                    format!("{}images{}", &stem[..at], &stem[at + "labels".len()..])
                });
                return Err(format!(
                    "belongs to no image: there is no {place}.png (jpg, ...): add it, or leave the file out"
                ));
            }
            None => return Ok(None),
        };
        match self.taken.insert(image, labels) {
            None => Ok(Some(image)),
            Some(other) => {
                let image = self.shape.path(image);
                Err(format!("is the second label file of {image}, beside {other}"))
            }
        }
    }

    /// Whether a text file is named like the label file of an image.
    pub(super) fn knows(&self, labels: &FilePath) -> bool {
        self.images.contains_key(&key(labels))
    }
}

/// The path without its extension, in the form in which two paths are the same.
fn key(path: &FilePath) -> String {
    folded(&without_extension(path)).into_owned()
}

fn without_extension(path: &FilePath) -> String {
    let text = path.as_str();
    let stem = text.len() - path.extension().map_or(0, |extension| extension.len() + 1);
    text[..stem].to_owned()
}

/// The folded path with the last folder "images" become "labels".
fn beside_images(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let folders = parts.len().checked_sub(1)?;
    let images = parts[..folders].iter().rposition(|part| part.eq_ignore_ascii_case("images"))?;
    parts[images] = "labels";
    Some(parts.join("/"))
}

fn is_among_labels(path: &FilePath) -> bool {
    path.folder().split('/').any(|part| part.eq_ignore_ascii_case("labels"))
}
