//! One JSON file of annotations, while it is parsed and after.
//!
//! Invariant: memory grows with the images, the categories and the ids of annotations, not with the annotations themselves. The
//! lists may stand in any order: what is said of an image before its entry waits for it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::entries::{Annotation, Category, Id, Image, Numbers};
use crate::Bounds;
use crate::classes::class_name;
use crate::distinct::Distinct;
use crate::file_path::LONGEST_PATH;

/// What a file says.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) images: Known<ImageNotes>,
    pub(super) categories: Known<CategoryNotes>,
    annotations: Seen,
    bounds: Bounds,
}

/// The ids of annotations; nearly always numbers, of which there may be millions.
#[derive(Debug, Default)]
struct Seen {
    numbers: HashSet<i64>,
    texts: HashSet<Box<str>>,
}

impl Seen {
    fn count(&self) -> usize {
        self.numbers.len() + self.texts.len()
    }

    /// Whether the id is new.
    fn insert(&mut self, id: &Id) -> bool {
        match id {
            Id::Number(number) => self.numbers.insert(*number),
            Id::Text(text) => self.texts.insert(text.clone()),
        }
    }
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
    /// The farthest ends of its boxes.
    pub(super) right: Option<End>,
    pub(super) bottom: Option<End>,
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

/// Where a box ends.
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
        Self {
            images: Known::new(),
            categories: Known::new(),
            annotations: Seen::default(),
            bounds,
        }
    }

    pub(super) fn image(&mut self, image: Image, line: u64) -> Taken {
        let Image { id, file_name, width, height } = image;
        if file_name.len() > LONGEST_PATH {
            return wrong(format!("image {id} has a file_name of more than {LONGEST_PATH} bytes"));
        }
        let notes = self.images.get(&id, self.bounds.max_files, "images")?;
        if let Some(first) = &notes.entry {
            return wrong(format!("image {id} is there twice, also on line {}", first.line));
        }
        let file_name = file_name.into();
        let sides_make_sense = [width, height].into_iter().flatten().all(|side| side > 0.0);
        let [width, height] = [width, height].map(|side| side.filter(|_| sides_make_sense));
        notes.entry = Some(ImageEntry { line, file_name, width, height });
        if !sides_make_sense {
            return wrong(format!("image {id} has a width or height that is not above 0"));
        }
        Ok(())
    }

    pub(super) fn category(&mut self, category: Category, line: u64) -> Taken {
        let Category { id, name } = category;
        let notes = self.categories.get(&id, self.bounds.max_classes, "categories")?;
        if let Some(first) = &notes.entry {
            return wrong(format!("category {id} is there twice, also on line {}", first.line));
        }
        let checked = class_name(&name);
        notes.entry = Some(CategoryEntry { line, name: checked.clone().ok() });
        checked.map(drop).map_err(|text| Verdict::Wrong(format!("category {id}: {text}")))
    }

    pub(super) fn annotation(&mut self, annotation: Annotation, line: u64) -> Taken {
        let Annotation { id, image_id, category_id, bbox, caption } = annotation;
        if let Some(id) = &id {
            self.note_id(id)?;
        }
        let who = Who(id);
        let category = match category_id {
            Some(category_id) => Some(self.used_category(&who, category_id, line)?),
            None if caption.is_some() => None,
            None => return wrong(format!("{who} has no \"category_id\"")),
        };
        let notes = self.images.get(&image_id, self.bounds.max_files, "images")?;
        notes.labels = notes.labels.saturating_add(1);
        if let Some(category) = category {
            notes.categories.note(category);
        }
        let reached = bbox.map_or(Ok(()), |bbox| notes.reach(bbox, line));
        let taken = reached.map_err(|text| Verdict::Wrong(format!("{who} {text}")));
        if notes.entry.is_none() && notes.named.is_none() {
            notes.named = Some(Named { line, by: who, id: image_id });
        }
        taken
    }

    fn note_id(&mut self, id: &Id) -> Taken {
        if self.annotations.count() as u64 >= self.bounds.max_labels {
            let most = self.bounds.max_labels;
            return Err(Verdict::Stop(format!("holds more annotations than are allowed: {most}")));
        }
        if self.annotations.insert(id) {
            Ok(())
        } else {
            wrong(format!("annotation {id} is there twice"))
        }
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
    fn reach(&mut self, bbox: Numbers, line: u64) -> Result<(), String> {
        let [x, y, width, height] = bbox.first;
        match bbox.count {
            0 => return Ok(()),
            4 => {}
            count => return Err(format!("has a bbox of {count} numbers; it has 4")),
        }
        if !bbox.first.iter().all(|number| number.is_finite()) || width < 0.0 || height < 0.0 {
            return Err("has a bbox of negative width or height".to_owned());
        }
        if x < -ROUNDING || y < -ROUNDING {
            return Err(format!("has a bbox that begins outside its image, at {x}, {y}"));
        }
        let farther = |end: Option<End>, at: f64| match end {
            Some(end) if end.at >= at => Some(end),
            _ => Some(End { line, at }),
        };
        self.right = farther(self.right, x + width);
        self.bottom = farther(self.bottom, y + height);
        Ok(())
    }
}
