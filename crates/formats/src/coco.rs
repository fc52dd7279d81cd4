//! Images and COCO's JSON of annotations: <https://cocodataset.org/#format-data>.
//!
//! Promise: whatever an annotation names is there, and its box touches its image. An image that no file lists is not labelled.

mod document;
mod entries;
mod parse;

use std::collections::HashMap;

use document::{CategoryNotes, Document, ImageEntry, ImageNotes, Known, ROUNDING};

use crate::bounds::{MOST_ANNOTATION_FILES, TOO_MANY_FILES};
use crate::json::{JsonKind, kind_of};
use crate::kind::JSON;
use crate::places::{Base, Places};
use crate::shape::File;
use crate::source::Source;
use crate::survey::Survey;
use crate::{FilePath, ImageSize, Problem, Refusal, Split, shown};

/// Reads all JSON files that look like COCO's.
pub(crate) fn read(survey: &mut Survey<'_>, source: &mut Source<'_>) -> Result<(), Refusal> {
    let shape = survey.shape;
    let places = Places::new(shape);
    let (mut files, mut panoptic) = (0, Vec::new());
    for (_, file) in shape.annotations(JSON) {
        match kind_of(file, source)? {
            JsonKind::Coco => {}
            JsonKind::Broken(problem) => {
                files += 1;
                survey.problems.add(problem);
                continue;
            }
            JsonKind::Foreign(text) => {
                survey.notes.add(Problem::of(&file.path, format!("was not read: {text}")));
                continue;
            }
            JsonKind::Labels(_) => {
                let text = "was not read: it is a table of labels, and the format is coco";
                survey.notes.add(Problem::of(&file.path, text));
                continue;
            }
            JsonKind::Other => continue,
        }
        files += 1;
        if files > MOST_ANNOTATION_FILES {
            return Err(Problem::of(&file.path, TOO_MANY_FILES).into());
        }
        panoptic.extend(read_one(survey, file, &places, source)?);
    }
    // Beside instances, panoptic files are another view of the same images.
    let only = panoptic.len() == files;
    for problem in panoptic {
        if only {
            survey.problems.add(problem);
        } else {
            survey
                .notes
                .add(Problem { text: format!("was not read: {}", problem.text), ..problem });
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

/// Reads a file; a panoptic one is not read, and told of.
fn read_one<'a>(
    survey: &mut Survey<'a>,
    file: &'a File,
    places: &Places<'a>,
    source: &mut Source<'_>,
) -> Result<Option<Problem>, Refusal> {
    let reader = source.open(file)?;
    let Survey { shape, problems, notes, .. } = survey;
    match parse::parse(&file.path, reader, shape.bounds, problems, notes) {
        Ok(document) => Placing::new(survey, &file.path, &document, places).place(&document),
        Err(Refusal::Problems(problems)) => {
            let told = problems.iter().next().filter(|problem| problem.text == document::PANOPTIC);
            if let Some(panoptic) = told {
                return Ok(Some(panoptic.clone()));
            }
            survey.add_all(&problems);
        }
        Err(unreadable @ Refusal::Unreadable { .. }) => return Err(unreadable),
    }
    Ok(None)
}

/// Lays what a file says on the images.
struct Placing<'s, 'a> {
    survey: &'s mut Survey<'a>,
    json: &'a FilePath,
    base: Base<'a>,
    split: Option<Split>,
    /// The entry that listed each image first, by number.
    listed: HashMap<u32, usize>,
    /// How many images have boxes, and how many only boxes within their first pixel; the line of the first such.
    boxed: u64,
    tiny: Option<(u64, u64)>,
    /// How many images have boxes that leave them, and the line of the first.
    leaving: Option<(u64, u64)>,
}

impl<'s, 'a> Placing<'s, 'a> {
    fn new(
        survey: &'s mut Survey<'a>,
        json: &'a FilePath,
        document: &Document,
        places: &Places<'a>,
    ) -> Self {
        let entries = || document.images.notes.iter().filter_map(|notes| notes.entry.as_ref());
        let (base, _) = places.choose(json, || entries().map(|entry| &*entry.file_name));
        let split = Split::of_words(json.stem()).or_else(|| Split::of_folders(json.folder()));
        Self {
            survey,
            json,
            base,
            split,
            listed: HashMap::new(),
            boxed: 0,
            tiny: None,
            leaving: None,
        }
    }

    fn place(mut self, document: &Document) {
        let classes = self.classes(&document.categories);
        for (number, notes) in document.images.notes.iter().enumerate() {
            let Some(entry) = &notes.entry else {
                self.report_absent(notes.named.as_ref(), "image", "images");
                continue;
            };
            if let Err(text) = self.image(entry, number, document, &classes) {
                self.problem(entry.line, text);
            }
        }
        if let Some((count, line)) = self.tiny
            && count == self.boxed
        {
            let text = "every bbox lies within the first pixel of its image: COCO counts in pixels, and these look like fractions";
            self.survey.notes.add(Problem::at(self.json, line, text));
        }
        if let Some((count, line)) = self.leaving {
            let text = format!("a bbox leaves its image; {count} images have such");
            self.survey.notes.add(Problem::at(self.json, line, text));
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
                    "two categories in use are called {name}; the other is on line {first}: give each its own name"
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
        number: usize,
        document: &Document,
        classes: &[Option<u32>],
    ) -> Result<(), String> {
        let (image, file) = self.base.image(&entry.file_name)?;
        let (path, all) = (&file.path, &document.images.notes);
        // One image under two ids is one item; two names that mean one image are a mistake.
        let first = *self.listed.entry(image).or_insert(number);
        if let Some(first) = all[first].entry.as_ref().filter(|_| first != number)
            && first.file_name != entry.file_name
        {
            return Err(format!("{path} is listed twice, also on line {}", first.line));
        }
        let notes = &all[number];
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

    fn check_boxes(&mut self, path: &FilePath, sides: Sides, notes: &ImageNotes) {
        if let [Some(right), Some(bottom)] = notes.ends {
            self.boxed += 1;
            if right.at > 0.0 && right.at <= 1.0 && bottom.at <= 1.0 {
                let (count, first) = self.tiny.unwrap_or((0, right.line));
                self.tiny = Some((count + 1, first));
            }
        }
        let mut leaves = notes.before;
        for (at, what) in ["wide", "high"].into_iter().enumerate() {
            let Some(side) = sides[at] else { continue };
            if let Some(begin) = notes.begins[at].filter(|begin| begin.at > side + ROUNDING) {
                let text = format!(
                    "a bbox lies outside its image, from {} on; {path} is {side} {what}",
                    begin.at
                );
                self.problem(begin.line, text);
            } else if let Some(end) = notes.ends[at].filter(|end| end.at > side + ROUNDING) {
                leaves = leaves.or(Some(end.line));
            }
        }
        if let Some(line) = leaves {
            let (count, first) = self.leaving.unwrap_or((0, line));
            self.leaving = Some((count + 1, first));
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
type Sides = [Option<f64>; 2];

/// An image's size: what its entry says, which must be what its header says; turned by a quarter is the same, since cameras do that.
fn known_size(entry: &ImageEntry, header: Option<ImageSize>) -> Result<Sides, String> {
    let Some(header) = header else { return Ok([entry.width, entry.height]) };
    let (width, height) = (f64::from(header.width), f64::from(header.height));
    let (Some(said_width), Some(said_height)) = (entry.width, entry.height) else {
        return Ok([Some(width), Some(height)]);
    };
    let near = |one: f64, other: f64| (one - other).abs() < 0.5;
    if (near(said_width, width) && near(said_height, height))
        || (near(said_width, height) && near(said_height, width))
    {
        return Ok([Some(said_width), Some(said_height)]);
    }
    let name = shown(&entry.file_name);
    Err(format!(
        "{name} is {header} pixels, not {said_width} x {said_height}: its boxes belong to an image of that size"
    ))
}
