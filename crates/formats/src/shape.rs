//! The files of a dataset: their names, sizes and kinds, before anything is known of what they mean.
//!
//! Invariant: every name is checked against every other and no bound is passed, whatever order the files come in.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::detect::{Detected, detect};
use crate::kind;
use crate::names::{Found, Names};
use crate::source::Source;
use crate::strangers::problem_of;
use crate::survey::Survey;
use crate::{Bounds, Contents, FileKind, FilePath, Format, ImageSize, Problem, Refusal, table};

/// The files of a dataset, as they come.
#[derive(Debug)]
pub struct Shape {
    pub(crate) bounds: Bounds,
    pub(crate) files: Vec<File>,
    pub(crate) names: Names,
    path_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: FilePath,
    pub(crate) kind: FileKind,
    pub(crate) size: u64,
    pub(crate) image: Option<ImageSize>,
    ended: bool,
}

impl File {
    pub(crate) const fn is_image(&self) -> bool {
        matches!(self.kind, FileKind::Image(_))
    }
}

impl Shape {
    /// No files yet.
    pub fn new(bounds: Bounds) -> Self {
        let names = Names::new(bounds.max_folders);
        Self { bounds, files: Vec::new(), names, path_bytes: 0 }
    }

    /// Begins a file, whose bytes are still to come; says what it is. A file that is refused leaves no trace.
    pub fn begin(&mut self, path: &FilePath) -> Result<FileKind, Problem> {
        let kind = FileKind::of(path).ok_or_else(|| Problem::of(path, problem_of(path)))?;
        let Bounds { max_files, max_path_bytes, .. } = self.bounds;
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        if self.files.len() >= max_files || number == u32::MAX {
            return Err(Problem::of(
                path,
                format!("is one file too many; {max_files} are allowed"),
            ));
        }
        let path_bytes = self.path_bytes + path.as_str().len();
        if path_bytes > max_path_bytes {
            let text = format!("is too much: all paths together may have {max_path_bytes} bytes");
            return Err(Problem::of(path, text));
        }
        self.names.insert(path, number).map_err(|text| Problem::of(path, text))?;
        self.path_bytes = path_bytes;
        self.files.push(File { path: path.clone(), kind, size: 0, image: None, ended: false });
        Ok(kind)
    }

    /// All bytes of a file that was begun have come. `image` is what [`ImageCheck`](crate::ImageCheck) found, if it is known.
    pub fn end(&mut self, path: &FilePath, size: u64, image: Option<ImageSize>) {
        let found = self.names.find("", path.as_str());
        let file = match found {
            Found::File(number) => self.files.get_mut(number as usize),
            _ => None,
        };
        if let Some(file) = file {
            (file.size, file.image, file.ended) = (size, image, true);
        }
    }

    /// A whole file: begins and ends it.
    pub fn add(
        &mut self,
        path: &FilePath,
        size: u64,
        image: Option<ImageSize>,
    ) -> Result<FileKind, Problem> {
        let kind = self.begin(path)?;
        self.end(path, size, image);
        Ok(kind)
    }

    /// The files that [`finish`](Self::finish) may want to read, in the order of their paths.
    pub fn needs(&self, given: Option<Format>) -> Vec<&FilePath> {
        let extensions: &[&[&str]] = match given {
            None => &kind::ANNOTATIONS,
            Some(Format::ImageFolder) => &[],
            Some(Format::Coco) => &[kind::JSON],
            Some(Format::Yolo) => &[kind::YAML, kind::TEXT, kind::NAMES, kind::DATA],
            Some(Format::Csv) => &[kind::CSV, kind::JSON, kind::JSON_LINES],
        };
        let mut paths: Vec<_> = extensions.iter().flat_map(|one| self.annotations(one)).collect();
        paths.sort_unstable_by_key(|(_, file)| &file.path);
        paths.into_iter().map(|(_, file)| &file.path).collect()
    }

    /// Tells what the dataset holds. `given` is its format, if its owner says it. `open` gives the bytes of an annotation file,
    /// perhaps more than once, and blocks while it reads.
    pub fn finish<'s>(
        mut self,
        given: Option<Format>,
        open: impl FnMut(&FilePath) -> io::Result<Box<dyn Read + 's>> + 's,
    ) -> Result<Contents, Refusal> {
        self.order_by_path()?;
        let mut source = Source::new(open, self.bounds.max_annotation_bytes);
        let detected = match given {
            Some(format) => Detected { format, passed_over: Vec::new() },
            None => detect(&self, &mut source)?,
        };
        let format = detected.format;
        let mut survey = Survey::new(&self);
        for note in detected.passed_over {
            survey.notes.add(note);
        }
        survey.read(format, &mut source)?;
        survey.finish(format)
    }

    /// The value that each image has in this column of the dataset's tables, CSV, JSON Lines or JSON lists; images without one are
    /// left out. `open` is as for [`finish`](Self::finish).
    pub fn column<'s>(
        mut self,
        name: &str,
        open: impl FnMut(&FilePath) -> io::Result<Box<dyn Read + 's>> + 's,
    ) -> Result<BTreeMap<FilePath, String>, Refusal> {
        self.order_by_path()?;
        let mut source = Source::new(open, self.bounds.max_annotation_bytes);
        table::column(&self, name, &mut source)
    }

    /// The annotations with such an extension, by number.
    pub(crate) fn annotations<'a>(
        &'a self,
        extensions: &'a [&str],
    ) -> impl Iterator<Item = (u32, &'a File)> {
        (0..).zip(&self.files).filter(|(_, file)| {
            file.kind == FileKind::Annotation && kind::has_extension(&file.path, extensions)
        })
    }

    /// The images, by number.
    pub(crate) fn images(&self) -> impl Iterator<Item = (u32, &File)> {
        (0..).zip(&self.files).filter(|(_, file)| file.is_image())
    }

    pub(crate) fn path(&self, file: u32) -> &FilePath {
        &self.files[file as usize].path
    }

    fn order_by_path(&mut self) -> Result<(), Refusal> {
        if let Some(file) = self.files.iter().find(|file| !file.ended) {
            return Err(Problem::of(&file.path, "was begun, but its end never came").into());
        }
        self.files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        self.names = Names::new(self.bounds.max_folders);
        for (number, file) in (0..).zip(&self.files) {
            let inserted = self.names.insert(&file.path, number);
            inserted.map_err(|text| Problem::of(&file.path, text))?;
        }
        Ok(())
    }
}
