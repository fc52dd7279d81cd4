//! How a CSV file is laid out: whether it has a header, and which columns hold the image and its classes.
//!
//! Promise: decided by names and by what the first rows hold, and where both leave a doubt the answer is a problem with its remedy.

use std::collections::BTreeSet;

use super::columns::{self, NO_IMAGE, NO_LABEL, has_all, is_certain_image_column, is_plural};
use super::rows::Rows;
use crate::kind::is_image;
use crate::places::{Places, TRIED};
use crate::shape::File;
use crate::source::Source;
use crate::{Problem, Refusal, Split, shown};

/// Where what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) has_header: bool,
    pub(super) image: usize,
    pub(super) labels: Labels,
    pub(super) split: Option<usize>,
    /// A row with 0 here says that the class is absent (Open Images).
    pub(super) confidence: Option<usize>,
}

/// Where the classes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Labels {
    /// One class in this column. If it may be blank, the image is background.
    One { column: usize, may_be_blank: bool },
    /// One class or several in this column.
    Several(usize),
    /// A column for each class, with 1 where the image shows it.
    OneHot(Vec<(usize, String)>),
}

/// What a CSV file is.
#[derive(Debug)]
pub(super) enum CsvKind {
    Labels(Layout),
    /// It names images, but not so that it could be read.
    Foreign(Problem),
    /// It says nothing of images: what it lacks.
    Other(Problem),
}

/// The first rows.
struct Sample {
    rows: Vec<Vec<String>>,
}

/// Looks at the first rows of a file.
pub(super) fn layout<'a>(
    file: &'a File,
    places: &Places<'a>,
    source: &mut Source<'_>,
) -> Result<CsvKind, Refusal> {
    let sample = match Sample::of(file, source)? {
        Ok(sample) => sample,
        Err(problem) => return Ok(CsvKind::Other(problem)),
    };
    let Some(header) = sample.rows.first() else {
        let text = "is empty; it needs a header and rows";
        return Ok(CsvKind::Other(Problem::of(&file.path, text)));
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    Ok(sample.kind(&header, file, places))
}

/// Where the image and the column of this name are, in a table that has both. The name is in the form in which they are compared.
pub(super) fn grouping<'a>(
    file: &'a File,
    places: &Places<'a>,
    name: &str,
    source: &mut Source<'_>,
) -> Result<Option<(usize, usize)>, Refusal> {
    let Ok(sample) = Sample::of(file, source)? else { return Ok(None) };
    let Some(header) = sample.rows.first() else { return Ok(None) };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let column = header.iter().position(|own| columns::plain(own) == name);
    Ok(sample.image(&header, file, places).zip(column))
}

/// The names of a table's columns.
pub(super) fn header_of(file: &File, source: &mut Source<'_>) -> Result<Vec<String>, Refusal> {
    let sample = Sample::of(file, source)?;
    Ok(sample.ok().and_then(|sample| sample.rows.into_iter().next()).unwrap_or_default())
}

impl Sample {
    /// The first rows of a file, or what is wrong with its header.
    fn of(file: &File, source: &mut Source<'_>) -> Result<Result<Self, Problem>, Refusal> {
        let mut rows = Rows::open(file, source)?;
        let mut sample = Self { rows: Vec::new() };
        while sample.rows.len() <= TRIED {
            match rows.next()? {
                None => break,
                Some(Ok((_, record))) => {
                    sample.rows.push(record.iter().map(str::to_owned).collect());
                }
                Some(Err((line, text))) if sample.rows.is_empty() => {
                    return Ok(Err(Problem::at(&file.path, line, text)));
                }
                Some(Err(_)) => {}
            }
        }
        Ok(Ok(sample))
    }

    /// The column for the image: by its name if that is certain or if it names images, else by what it holds.
    fn image<'a>(&self, header: &[&str], file: &'a File, places: &Places<'a>) -> Option<usize> {
        let by_name = columns::image(header).ok().flatten().filter(|image| {
            is_certain_image_column(header[*image]) || self.names_images(*image, file, places)
        });
        by_name.or_else(|| (0..header.len()).find(|column| self.looks_like_images(*column)))
    }

    fn kind<'a>(&self, header: &[&str], file: &'a File, places: &Places<'a>) -> CsvKind {
        let problem = |text: String| Problem::at(&file.path, 1, text);
        if has_all(header, &["regionshapeattributes"]) {
            let text = "is a table of VIA (VGG Image Annotator), which is not read: export the annotations as COCO";
            return CsvKind::Foreign(problem(text.to_owned()));
        }
        let by_name = columns::image(header).and_then(|image| Ok((image, columns::label(header)?)));
        let (image, label) = match by_name {
            Ok(found) => found,
            Err(text) => return CsvKind::Foreign(problem(text)),
        };
        if image.is_none() && header.iter().any(|cell| is_image(cell)) {
            let text = "has no header, so it is not known which column is which: add one, such as filename,label";
            let layout = headless(header).map(CsvKind::Labels);
            return layout.unwrap_or_else(|| CsvKind::Foreign(problem(text.to_owned())));
        }
        let names = |column: usize| self.names_images(column, file, places);
        let Some(image) = self.image(header, file, places) else {
            return CsvKind::Other(problem(NO_IMAGE.to_owned()));
        };
        let split = match columns::split(header) {
            Ok(split) => split,
            Err(text) => return CsvKind::Foreign(problem(text)),
        };
        if let Some(column) = label
            && let Some(fraction) = self.fraction(column)
        {
            let text = format!(
                "has {} in the column {}, and fractions are no classes: only classes are read, write them into a column label",
                shown(fraction),
                shown(header[column])
            );
            return CsvKind::Foreign(problem(text));
        }
        let labels = label.map(|column| of_column(header, column));
        let Some(labels) = labels.or_else(|| self.unnamed(header, image, split)) else {
            let problem = problem(NO_LABEL.to_owned());
            return if names(image) { CsvKind::Foreign(problem) } else { CsvKind::Other(problem) };
        };
        let confidence = has_all(header, &["imageid", "labelname", "confidence"])
            .then(|| header.iter().position(|name| columns::plain(name) == "confidence"));
        let confidence = confidence.flatten();
        CsvKind::Labels(Layout { has_header: true, image, labels, split, confidence })
    }

    /// Where no column is named as one for the label: the only other one, or one for each class.
    fn unnamed(&self, header: &[&str], image: usize, split: Option<usize>) -> Option<Labels> {
        let others: Vec<usize> =
            (0..header.len()).filter(|at| *at != image && Some(*at) != split).collect();
        if self.rows.len() < 2 {
            return None;
        }
        let hot = |column: &usize| self.values(*column).all(|value| is_hot(value).is_some());
        if others.len() > 1 && others.iter().all(hot) {
            let named = others.into_iter().map(|at| (at, header[at].trim().to_owned()));
            return Some(Labels::OneHot(named.collect()));
        }
        match others.as_slice() {
            [column] if header.len() == 2 && self.may_be_classes(*column) => {
                Some(Labels::One { column: *column, may_be_blank: false })
            }
            _ => None,
        }
    }

    /// A fraction in a column that holds nothing but numbers: measures, as of a regression.
    fn fraction(&self, column: usize) -> Option<&str> {
        let number = |value: &str| value.parse::<f64>().ok();
        let mut values = self.values(column).filter(|value| !value.is_empty());
        if !values.clone().all(|value| number(value).is_some()) {
            return None;
        }
        values.find(|value| number(value).is_some_and(|number| number.fract() != 0.0))
    }

    /// Whether a column without a telling name can hold classes: none is a long text or a fraction, and they are not all different
    /// numbers, as losses and ids are.
    fn may_be_classes(&self, column: usize) -> bool {
        const LONGEST: usize = 64;
        let number = |value: &str| value.parse::<f64>().ok();
        let is_class = |value: &str| {
            let is_fraction = number(value).is_some_and(|number| number.fract() != 0.0);
            !value.is_empty() && value.len() <= LONGEST && !is_fraction && !is_places(value)
        };
        let different: BTreeSet<&str> = self.values(column).collect();
        let all_differ = different.len() == self.values(column).count();
        let all_numbers = different.iter().all(|value| number(value).is_some());
        self.values(column).all(is_class) && !(all_differ && all_numbers)
    }

    /// Whether most values of a column are names of images, with their extension or of images that are there.
    fn names_images<'a>(&self, column: usize, file: &'a File, places: &Places<'a>) -> bool {
        let all = self.values(column).count();
        let (_, found) = places.choose(&file.path, || self.values(column));
        self.looks_like_images(column) || found * 2 > all
    }

    /// Whether most values of a column end like names of images.
    fn looks_like_images(&self, column: usize) -> bool {
        let named = self.values(column).filter(|value| is_image(value)).count();
        named * 2 > self.values(column).count()
    }

    /// The values of a column below the header.
    fn values(&self, column: usize) -> impl Iterator<Item = &str> + Clone {
        let rows = self.rows.iter().skip(1);
        rows.map(move |row| row.get(column).map_or("", |value| value.trim()))
    }
}

/// Where a column is named as one for the label.
fn of_column(header: &[&str], column: usize) -> Labels {
    if is_plural(header[column]) {
        return Labels::Several(column);
    }
    // Label Studio writes a row for each annotation, also for one that says that nothing is there.
    Labels::One { column, may_be_blank: has_all(header, &["annotationid"]) }
}

/// Whether a field holds several numbers, perhaps behind a name: boxes or runs of pixels, as Kaggle writes them.
fn is_places(value: &str) -> bool {
    let words: Vec<&str> = value.split_whitespace().collect();
    words.len() > 2 && words.iter().skip(1).all(|word| word.parse::<f64>().is_ok())
}

/// Whether a field of a column for a class says that the image shows it.
pub(super) fn is_hot(value: &str) -> Option<bool> {
    match value.trim() {
        "" => Some(false),
        value => match value.parse::<f64>() {
            Ok(0.0) => Some(false),
            Ok(1.0) => Some(true),
            _ => None,
        },
    }
}

/// The layouts without a header that are in wide use.
fn headless(row: &[&str]) -> Option<Layout> {
    let with = |image, column, may_be_blank, split| {
        let labels = Labels::One { column, may_be_blank };
        Some(Layout { has_header: false, image, labels, split, confidence: None })
    };
    let is_number = |at: usize| {
        row.get(at).is_some_and(|field| field.is_empty() || field.parse::<f64>().is_ok())
    };
    match row.len() {
        2 if is_image(row[0]) => with(0, 1, false, None),
        // keras-retinanet: path, x1, y1, x2, y2, class; of background all but the path are blank.
        6 if is_image(row[0]) && (1..=4).all(is_number) => with(0, 5, true, None),
        // Google's AutoML: set, path, class.
        3 if is_image(row[1]) && Split::of_words(row[0]).is_some() => with(1, 2, false, Some(0)),
        _ => None,
    }
}

/// Whether a field says that there is no value, as programs write it.
pub(super) fn is_missing(field: &str) -> bool {
    matches!(
        field,
        "" | "NaN"
            | "nan"
            | "NAN"
            | "<NA>"
            | "#N/A"
            | "NULL"
            | "null"
            | "#REF!"
            | "#VALUE!"
            | "#NAME?"
            | "#DIV/0!"
    )
}

/// What is said of a field without a class.
pub(super) fn missing(field: &str) -> String {
    let what = if field.is_empty() {
        "has a blank label".to_owned()
    } else {
        format!("has the label {field}, which stands for none")
    };
    format!("{what}: give it a class, or take the row out, and the image counts as not labelled")
}

/// What is said of a field of several classes that cannot be told apart.
pub(super) fn ambiguous(field: &str) -> String {
    format!(
        "holds {}, which may be one class or several: part several with |, or call the column label if it is one",
        shown(field)
    )
}
