//! One JSON file of annotations, while it is parsed and after.
//!
//! Invariant: memory grows with the images and the categories, not with the annotations. The lists may stand in any order: what is
//! said of an image before its entry waits for it. What is of no use here is not checked: the ids of annotations, areas, outlines.

use std::collections::HashMap;
use std::fmt;

use super::entries::{Annotation, Category, Id, Image, Loose};
use crate::Bounds;
use crate::classes::class_name;
use crate::distinct::Distinct;
use crate::file_path::LONGEST_PATH;

/// What a file says.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) images: Known<ImageNotes>,
    pub(super) categories: Known<CategoryNotes>,
    /// How many there are.
    annotations: u64,
    bounds: Bounds,
}

/// What is known of each image or category, in the order in which the file speaks of them.
#[derive(Debug)]
pub(super) struct Known<T> {
    numbers: HashMap<Id, u32>,
    pub(super) notes: Vec<T>,
}

/// What the file says of an image.
#[derive(Debug, Default)]
pub(super) struct ImageNotes {
    pub(super) entry: Option<ImageEntry>,
    /// The first annotation that names it.
    pub(super) named: Option<Named>,
    pub(super) labels: u32,
    /// Numbers of categories.
    pub(super) categories: Distinct,
    /// The farthest ends and beginnings of its boxes.
    pub(super) ends: [Option<End>; 2],
    pub(super) begins: [Option<End>; 2],
    /// The first box that begins before the image does.
    pub(super) before: Option<u64>,
}

#[derive(Debug)]
pub(super) struct ImageEntry {
    pub(super) line: u64,
    pub(super) file_name: Box<str>,
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
}

/// What the file says of a category.
#[derive(Debug, Default)]
pub(super) struct CategoryNotes {
    pub(super) entry: Option<CategoryEntry>,
    /// Whether an annotation names it.
    pub(super) used: bool,
    pub(super) named: Option<Named>,
}

#[derive(Debug)]
pub(super) struct CategoryEntry {
    pub(super) line: u64,
    /// `None`: it is wrong, and has been told of.
    pub(super) name: Option<String>,
}

/// Who names something: an annotation.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) line: u64,
    pub(super) by: Who,
    pub(super) id: Id,
}

/// Where a box ends or begins, in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) line: u64,
    pub(super) at: f64,
}

/// An annotation, for people.
#[derive(Debug)]
pub(super) struct Who(Option<Id>);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(id) => write!(f, "annotation {id}"),
            None => f.write_str("an annotation"),
        }
    }
}

/// What an entry leads to if it is not right: a problem of its own, or the end of reading.
pub(super) enum Verdict {
    Wrong(String),
    Stop(String),
}

type Taken = Result<(), Verdict>;

fn wrong(text: String) -> Taken {
    Err(Verdict::Wrong(text))
}

impl<T: Default> Known<T> {
    fn new() -> Self {
        Self { numbers: HashMap::new(), notes: Vec::new() }
    }

    /// The number under which something is known, or becomes known.
    fn number(&mut self, id: &Id, most: usize, what: &str) -> Result<u32, Verdict> {
        if let Some(number) = self.numbers.get(id) {
            return Ok(*number);
        }
        if self.notes.len() >= most {
            return Err(Verdict::Stop(format!("names more {what} than are allowed: {most}")));
        }
        let number = u32::try_from(self.notes.len()).unwrap_or(u32::MAX);
        self.numbers.insert(id.clone(), number);
        self.notes.push(T::default());
        Ok(number)
    }

    fn get(&mut self, id: &Id, most: usize, what: &str) -> Result<&mut T, Verdict> {
        let number = self.number(id, most, what)?;
        Ok(&mut self.notes[number as usize])
    }
}

impl Document {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { images: Known::new(), categories: Known::new(), annotations: 0, bounds }
    }

    pub(super) fn image(&mut self, image: &Image, line: u64) -> Taken {
        let id = id_of(&image.id, "an image", "id")?;
        let file_name = file_name(image, &id)?;
        let notes = self.images.get(&id, self.bounds.max_files, "images")?;
        if let Some(first) = &notes.entry {
            if *first.file_name == *file_name {
                return Ok(());
            }
            let text = format!(
                "image {id} is there twice, also on line {}: give each its own id",
                first.line
            );
            return wrong(text);
        }
        // What makes no sense is not known.
        let side = |value: &Loose| value.number().filter(|side| *side > 0.0);
        let sides = [side(&image.width), side(&image.height)];
        let [width, height] = if sides.iter().all(Option::is_some) { sides } else { [None; 2] };
        notes.entry = Some(ImageEntry { line, file_name: file_name.into(), width, height });
        Ok(())
    }

    pub(super) fn category(&mut self, category: &Category, line: u64) -> Taken {
        let id = id_of(&category.id, "a category", "id")?;
        let name = category.name.text();
        let notes = self.categories.get(&id, self.bounds.max_classes, "categories")?;
        let checked = match &name {
            Some(name) => class_name(name),
            None => Err(format!("its \"name\" {}: give it a name", category.name.said())),
        };
        if let Some(first) = &notes.entry {
            if checked.is_ok() && first.name == checked.ok() {
                return Ok(());
            }
            let text = format!(
                "category {id} is there twice, also on line {}: give each its own id",
                first.line
            );
            return wrong(text);
        }
        notes.entry = Some(CategoryEntry { line, name: checked.clone().ok() });
        checked.map(drop).map_err(|text| Verdict::Wrong(format!("category {id}: {text}")))
    }

    pub(super) fn annotation(&mut self, annotation: &Annotation, line: u64) -> Taken {
        let Annotation { id, image_id, category_id, bbox, caption, segments_info } = annotation;
        self.count()?;
        if segments_info.is_some() {
            return Err(Verdict::Stop(PANOPTIC.to_owned()));
        }
        let who = Who(id.id().ok());
        let of = |value: &Loose, name| id_of(value, &who.to_string(), name);
        let category = match category_id {
            absent if absent.is_absent() && caption.is_some() => None,
            value => Some(of(value, "category_id")?),
        };
        let image_id = of(image_id, "image_id")?;
        let category = match category {
            Some(id) => Some(self.used_category(&who, id, line)?),
            None => None,
        };
        let notes = self.images.get(&image_id, self.bounds.max_files, "images")?;
        notes.labels = notes.labels.saturating_add(1);
        if let Some(category) = category {
            notes.categories.note(category);
        }
        let reached = notes.reach(bbox, line);
        let taken = reached.map_err(|text| Verdict::Wrong(format!("{who} {text}")));
        if notes.entry.is_none() && notes.named.is_none() {
            notes.named = Some(Named { line, by: who, id: image_id });
        }
        taken
    }

    fn count(&mut self) -> Taken {
        self.annotations += 1;
        let most = self.bounds.max_labels;
        if self.annotations <= most {
            return Ok(());
        }
        Err(Verdict::Stop(format!("holds more annotations than are allowed: {most}")))
    }

    fn used_category(&mut self, who: &Who, id: Id, line: u64) -> Result<u32, Verdict> {
        // Twice as many as may be there, so that those that are missing can be told.
        let most = self.bounds.max_classes.saturating_mul(2);
        let number = self.categories.number(&id, most, "categories")?;
        let notes = &mut self.categories.notes[number as usize];
        notes.used = true;
        if notes.entry.is_none() && notes.named.is_none() {
            notes.named = Some(Named { line, by: Who(who.0.clone()), id });
        }
        Ok(number)
    }
}

/// A box may end so many pixels outside its image: tools round.
pub(super) const ROUNDING: f64 = 1.0;

impl ImageNotes {
    /// Notes how far a box reaches. It may leave its image: tools do not clip. What it cannot be is elsewhere, or no box.
    fn reach(&mut self, bbox: &Loose, line: u64) -> Result<(), String> {
        let numbers = match bbox {
            Loose::Absent | Loose::Null => return Ok(()),
            Loose::List(numbers) if numbers.count == 0 => return Ok(()),
            Loose::List(numbers) if numbers.count == 4 => numbers.first,
            Loose::List(numbers) => {
                return Err(format!("has a bbox of {} numbers; it has 4", numbers.count));
            }
            other => {
                return Err(format!("has a bbox that {}, not a list of 4 numbers", other.said()));
            }
        };
        let [x, y, width, height] = numbers;
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err("has a bbox with NaN, Infinity or something else that is no number: mend it or leave it out".to_owned());
        }
        if width < 0.0 || height < 0.0 {
            return Err("has a bbox of negative width or height".to_owned());
        }
        if x + width < -ROUNDING || y + height < -ROUNDING {
            return Err(format!("has a bbox that lies outside its image, at {x}, {y}"));
        }
        if x < -ROUNDING || y < -ROUNDING {
            self.before = self.before.or(Some(line));
        }
        for (known, at) in self.ends.iter_mut().zip([x + width, y + height]) {
            farther(known, line, at);
        }
        for (known, at) in self.begins.iter_mut().zip([x, y]) {
            farther(known, line, at);
        }
        Ok(())
    }
}

fn farther(known: &mut Option<End>, line: u64, at: f64) {
    if known.is_none_or(|known| known.at < at) {
        *known = Some(End { line, at });
    }
}

/// What is said of a panoptic file.
pub(super) const PANOPTIC: &str = "is a panoptic file, whose masks are not read: give the instances file in its place, such as \
     instances_train2017.json";

/// The id under a name; otherwise what is wrong with it.
fn id_of(value: &Loose, who: &str, name: &str) -> Result<Id, Verdict> {
    if value.is_absent() {
        return Err(Verdict::Wrong(format!("{who} has no \"{name}\"")));
    }
    value.id().map_err(|text| Verdict::Wrong(format!("{who}: its \"{name}\" {text}")))
}

/// The name of the file: LVIS gives it as the end of a URL.
fn file_name(image: &Image, id: &Id) -> Result<String, Verdict> {
    let name = image.file_name.text();
    let url = || image.coco_url.text();
    let Some(name) = name.or_else(url) else {
        let text = format!("image {id} has no \"file_name\": give the name of its file");
        return Err(Verdict::Wrong(text));
    };
    if name.len() > LONGEST_PATH {
        let text = format!("image {id} has a file_name of more than {LONGEST_PATH} bytes");
        return Err(Verdict::Wrong(text));
    }
    Ok(name)
}
