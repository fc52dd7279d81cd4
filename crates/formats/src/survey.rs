//! Gathers what the annotations say of the files.
//!
//! Invariant: what it gives is complete. If anything is wrong, it gives the problems and no contents.

use crate::classes::Classes;
use crate::contents::{Class, Contents, Item};
use crate::distinct::Distinct;
use crate::shape::{File, Shape};
use crate::source::Source;
use crate::{
    Bounds, Format, Problem, Problems, Refusal, Split, SplitCounts, coco, folders, image_folder,
    table, yolo,
};

/// What is known of each file so far.
pub(crate) struct Survey<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) classes: Classes,
    pub(crate) problems: Problems,
    /// What a person may want to know of a dataset that is right.
    pub(crate) notes: Problems,
    marks: Vec<Marks>,
    label_count: u64,
}

/// What is known of a file.
#[derive(Debug, Default, Clone)]
struct Marks {
    classes: Distinct,
    labels: u32,
    split: Option<Split>,
}

impl<'a> Survey<'a> {
    pub(crate) fn new(shape: &'a Shape) -> Self {
        Self {
            shape,
            classes: Classes::new(shape.bounds.max_classes),
            problems: Problems::default(),
            notes: Problems::default(),
            marks: vec![Marks::default(); shape.files.len()],
            label_count: 0,
        }
    }

    /// Reads all annotations as those of a format.
    pub(crate) fn read(&mut self, format: Format, source: &mut Source<'_>) -> Result<(), Refusal> {
        if self.shape.images().next().is_none() {
            return Err(Problem::whole("the dataset holds no images").into());
        }
        let read = match format {
            Format::ImageFolder => image_folder::read(self),
            Format::Coco => coco::read(self, source),
            Format::Yolo => yolo::read(self, source),
            Format::Csv => table::read(self, source),
        };
        match read {
            Err(Refusal::Problems(last)) => self.add_all(&last),
            read => read?,
        }
        if format != Format::ImageFolder {
            self.masks();
        }
        Ok(())
    }

    /// Masks that no annotation speaks of are no background.
    fn masks(&mut self) {
        for (image, problem) in folders::masks(self.shape) {
            if self.marks[image as usize].labels == 0 {
                self.problems.add(problem);
            }
        }
    }

    /// Adds problems to those that there are.
    pub(crate) fn add_all(&mut self, problems: &Problems) {
        for problem in problems {
            self.problems.add(problem.clone());
        }
    }

    /// Notes labels of an image, of a class if it is known.
    pub(crate) fn label(
        &mut self,
        image: u32,
        class: Option<u32>,
        count: u32,
    ) -> Result<(), String> {
        let Bounds { max_labels, .. } = self.shape.bounds;
        self.label_count += u64::from(count);
        if self.label_count > max_labels {
            return Err(format!("holds one label too many; {max_labels} are allowed"));
        }
        let marks = &mut self.marks[image as usize];
        marks.labels = marks.labels.saturating_add(count);
        if let Some(class) = class {
            marks.classes.note(class);
        }
        Ok(())
    }

    /// Notes the split of an image; says the other one if it is in another already, and leaves it there.
    pub(crate) fn put_in(&mut self, image: u32, split: Split) -> Result<(), Split> {
        let first = *self.marks[image as usize].split.get_or_insert(split);
        if first == split { Ok(()) } else { Err(first) }
    }

    /// Puts the images that are in no split into those that their folders are named after.
    pub(crate) fn splits_by_folder(&mut self) {
        for (image, file) in self.shape.images() {
            let marks = &mut self.marks[image as usize];
            marks.split = marks.split.or_else(|| Split::of_folders(file.path.folder()));
        }
    }

    pub(crate) fn finish(self, format: Format) -> Result<Contents, Refusal> {
        if !self.problems.is_empty() {
            return Err(Refusal::Problems(self.problems));
        }
        let (names, places) = self.classes.sorted();
        let mut contents = Contents {
            format,
            classes: names.into_iter().map(|name| Class { name, item_count: 0 }).collect(),
            items: Vec::new(),
            extras: Vec::new(),
            splits: SplitCounts::default(),
            unlabelled: 0,
            annotation_count: self.label_count,
            size: self.shape.files.iter().map(|file| file.size).sum(),
            notes: self.notes,
        };
        for (file, marks) in self.shape.files.iter().zip(self.marks) {
            contents.take(file, marks, &places);
        }
        Ok(contents)
    }
}

impl Contents {
    fn take(&mut self, file: &File, marks: Marks, places: &[u32]) {
        if !file.is_image() {
            self.extras.push(file.path.clone());
            return;
        }
        let mut classes = marks.classes.sorted();
        for class in &mut classes {
            *class = places[*class as usize];
            self.classes[*class as usize].item_count += 1;
        }
        classes.sort_unstable();
        self.splits.count(marks.split);
        self.unlabelled += u64::from(classes.is_empty());
        self.items.push(Item {
            path: file.path.clone(),
            classes,
            annotation_count: marks.labels,
            split: marks.split,
        });
    }
}
