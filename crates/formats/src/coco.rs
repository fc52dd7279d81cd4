//! Images and COCO's JSON of annotations: <https://cocodataset.org/#format-data>.
//!
//! Promise: whatever an annotation names is there, and its box lies in its image. An image that no file lists is not labelled.

mod document;
mod entries;
mod parse;
mod watch;

use std::collections::HashMap;

use document::{CategoryNotes, Document, ImageEntry, ImageNotes, Known, ROUNDING};

use crate::bounds::{MOST_ANNOTATION_FILES, TOO_MANY_FILES};
use crate::kind::JSON;
use crate::places::{Base, Places};
use crate::shape::File;
use crate::source::Source;
use crate::survey::Survey;
use crate::{FilePath, ImageSize, Problem, Refusal, Split, shown};

/// Whether a JSON file looks like one of COCO's.
pub(crate) fn seems_coco(file: &File, source: &mut Source<'_>) -> Result<bool, Refusal> {
    parse::seems_coco(&file.path, source.open(file)?)
}

/// Reads all JSON files that look like COCO's.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let places = Places::new(shape);
    let mut files = 0;
    for (_, file) in shape.annotations(JSON) {
        if !seems_coco(file, source)? {
            continue;
        }
        files += 1;
        if files > MOST_ANNOTATION_FILES {
            return Err(Problem::of(&file.path, TOO_MANY_FILES).into());
        }
        let reader = source.open(file)?;
        match parse::parse(&file.path, reader, shape.bounds, &mut survey.problems) {
            Ok(document) => Placing::new(survey, &file.path, &document, &places).place(&document),
            Err(Refusal::Problems(problems)) => survey.add_all(&problems),
            Err(unreadable @ Refusal::Unreadable { .. }) => return Err(unreadable),
        }
    }
    survey.splits_by_folder();
    if files > 0 {
        return Ok(());
    }
    let text = "the format coco needs a JSON file with \"images\", \"annotations\" and \"categories\", such as \
                annotations/instances_train.json; there is none";
    Err(Problem::whole(text).into())
}

/// Lays what a file says on the images.
struct Placing<'s, 'a> {
    survey: &'s mut Survey<'a>,
    json: &'a FilePath,
    base: Base<'a>,
    split: Option<Split>,
    /// Where each image was listed first.
    listed: HashMap<u32, u64>,
}

impl<'s, 'a> Placing<'s, 'a> {
    fn new(
        survey: &'s mut Survey<'a>,
        json: &'a FilePath,
        document: &Document,
        places: &Places<'a>,
    ) -> Self {
        let entries = || document.images.notes.iter().filter_map(|notes| notes.entry.as_ref());
        let base = places.choose(json, || entries().map(|entry| &*entry.file_name));
        let split = Split::of_words(json.stem()).or_else(|| Split::of_folders(json.folder()));
        Self { survey, json, base, split, listed: HashMap::new() }
    }

    fn place(mut self, document: &Document) {
        let classes = self.classes(&document.categories);
        for notes in &document.images.notes {
            let Some(entry) = &notes.entry else {
                self.report_absent(notes.named.as_ref(), "image", "images");
                continue;
            };
            if let Err(text) = self.image(entry, notes, &classes) {
                self.problem(entry.line, text);
            }
        }
    }

    /// The class of each category; `None` for one that is wrong. Programs put a group of the same name beside a category, so two may
    /// have one name as long as one of them is not in use.
    fn classes(&mut self, categories: &Known<CategoryNotes>) -> Vec<Option<u32>> {
        let mut in_use = HashMap::new();
        let class = |notes: &CategoryNotes| {
            let Some(entry) = &notes.entry else {
                self.report_absent(notes.named.as_ref(), "category", "categories");
                return None;
            };
            let name = entry.name.as_deref()?;
            if notes.used
                && let Some(first) = in_use.insert(name.to_owned(), entry.line)
            {
                let name = shown(name);
                let text = format!(
                    "two categories in use are called {name}; the other is on line {first}"
                );
                self.problem(entry.line, text);
            }
            let number = self.survey.classes.number(name);
            number.map_err(|text| self.problem(entry.line, text)).ok()
        };
        categories.notes.iter().map(class).collect()
    }

    fn image(
        &mut self,
        entry: &ImageEntry,
        notes: &ImageNotes,
        classes: &[Option<u32>],
    ) -> Result<(), String> {
        let (image, file) = self.base.image(&entry.file_name)?;
        let path = &file.path;
        if let Some(first) = self.listed.insert(image, entry.line) {
            return Err(format!("{path} is listed twice, also on line {first}"));
        }
        if let Some(Err(other)) = self.split.map(|split| self.survey.put_in(image, split)) {
            return Err(format!("{path} is in the split {other} already, by another file"));
        }
        self.survey.label(image, None, notes.labels)?;
        for category in notes.categories.clone().sorted() {
            self.survey.label(image, classes[category as usize], 0)?;
        }
        self.check_boxes(path, known_size(entry, file.image)?, notes);
        Ok(())
    }

    fn check_boxes(&mut self, path: &FilePath, (width, height): Sides, notes: &ImageNotes) {
        for (end, side, what) in [(notes.right, width, "wide"), (notes.bottom, height, "high")] {
            let (Some(end), Some(side)) = (end, side) else { continue };
            if end.at > side + ROUNDING {
                let text = format!(
                    "a bbox ends outside its image, at {}; {path} is {side} {what}",
                    end.at
                );
                self.problem(end.line, text);
            }
        }
    }

    fn report_absent(&mut self, named: Option<&document::Named>, what: &str, list: &str) {
        if let Some(named) = named {
            let text =
                format!("{} names {what} {}, which is in no \"{list}\" entry", named.by, named.id);
            self.problem(named.line, text);
        }
    }

    fn problem(&mut self, line: u64, text: String) {
        self.survey.problems.add(Problem::at(self.json, line, text));
    }
}

/// Width and height, where they are known.
type Sides = (Option<f64>, Option<f64>);

/// An image's size: what its entry says, which must be what its header says; turned by a quarter is the same, since cameras do that.
fn known_size(entry: &ImageEntry, header: Option<ImageSize>) -> Result<Sides, String> {
    let Some(header) = header else { return Ok((entry.width, entry.height)) };
    let (width, height) = (f64::from(header.width), f64::from(header.height));
    let (Some(said_width), Some(said_height)) = (entry.width, entry.height) else {
        return Ok((Some(width), Some(height)));
    };
    let near = |one: f64, other: f64| (one - other).abs() < 0.5;
    if (near(said_width, width) && near(said_height, height))
        || (near(said_width, height) && near(said_height, width))
    {
        return Ok((Some(said_width), Some(said_height)));
    }
    Err(format!("{} is {header} pixels, not {said_width} x {said_height}", shown(&entry.file_name)))
}
