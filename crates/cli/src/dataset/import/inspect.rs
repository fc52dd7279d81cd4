//! Looks at a folder before anything is sent: every file by itself, then all of them as a dataset.
//!
//! Promise: a folder that is refused here has opened no upload, and up to 20 of its problems are told at once. The service checks
//! everything again.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use hallpass_formats::{
    Bounds, Contents, FileKind, FilePath, Format, ImageCheck, ImageSize, Item, MOST_PROBLEMS,
    Refusal, Shape,
};

use crate::dataset::digest;
use crate::dataset::folder::{Hashed, LocalFile, Walked, at, walked};
use crate::dataset::progress::Progress;
use crate::failure::Failure;
use crate::output::plain;

/// Which dataset the folder is to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whole {
    /// All of it, in this format if it is given.
    Dataset(Option<Format>),
    /// A part of one that is there: its files are checked each by itself.
    Part,
}

/// The files of a folder and what is in them, in the order of their paths. Notes go to stderr.
pub(super) fn inspect(folder: &Path, whole: Whole) -> Result<Vec<Hashed>, Failure> {
    let Walked { files, skipped, problems } = walked(folder)?;
    let mut inspection = Inspection::new(problems);
    let sizes = files.iter().map(|file| fs::metadata(&file.source).map_or(0, |of| of.len()));
    let mut progress = Progress::new("hashing", files.len() as u64, sizes.sum());
    let mut hashed = Vec::with_capacity(files.len());
    for file in files {
        hashed.push(inspection.file(file, &progress)?);
        progress.end();
    }
    drop(progress);
    inspection.misnamed_are_few();
    if let Whole::Dataset(given) = whole
        && inspection.all_are_there
    {
        inspection.together(given, &hashed)?;
    }
    inspection.end(&skipped)?;
    Ok(hashed)
}

struct Inspection {
    shape: Shape,
    problems: Vec<String>,
    notes: Vec<String>,
    /// Images of another kind than their extension says.
    misnamed: Vec<String>,
    /// Whether the shape has all files, if only by name: else what annotations say of the others would be wrong.
    all_are_there: bool,
}

impl Inspection {
    fn new(problems: Vec<String>) -> Self {
        // How much is allowed is for the service to say.
        let bounds = Bounds {
            max_files: u32::MAX as usize,
            max_path_bytes: usize::MAX,
            max_classes: 1_000_000,
            ..Bounds::default()
        };
        let (notes, misnamed, all_are_there) = (Vec::new(), Vec::new(), problems.is_empty());
        Self { shape: Shape::new(bounds), problems, notes, misnamed, all_are_there }
    }

    fn file(&mut self, file: LocalFile, progress: &Progress) -> Result<Hashed, Failure> {
        let LocalFile { path, source } = file;
        progress.begin(&path);
        let parsed = FilePath::parse(&path);
        let kind = parsed.as_ref().ok().and_then(FileKind::of);
        let mut check = match kind {
            Some(FileKind::Image(kind)) => Some(ImageCheck::new(kind)),
            _ => None,
        };
        let mut flaw = None;
        let reader = File::open(&source).map_err(|error| at(&source, &error))?;
        let read = digest::of_watched(reader, |piece| {
            progress.bytes(piece.len() as u64);
            if let (Some(check), None) = (&mut check, &flaw) {
                flaw = check.feed(piece).err();
            }
        });
        let (sha256, size) = read.map_err(|error| at(&source, &error))?;
        let other = check.as_ref().and_then(ImageCheck::other_kind);
        let measured = match flaw {
            Some(flaw) => Err(flaw),
            None => check.map_or(Ok(None), ImageCheck::finish),
        };
        let (image, flaw) = measured.map_or_else(|flaw| (None, Some(flaw)), |image| (image, None));
        let added = match &parsed {
            Err(problem) => Err(format!("{path}: {problem}: rename it")),
            Ok(parsed) => self.add(parsed, size, image),
        };
        self.all_are_there &= added.is_ok();
        match (added, flaw, other) {
            (Err(problem), ..) => self.problems.push(problem),
            (Ok(()), Some(flaw), _) => self.problems.push(format!("{path}: {flaw}")),
            (Ok(()), None, Some(other)) => {
                self.misnamed.push(format!("{path}: holds a {other} image"));
            }
            (Ok(()), None, None) => {}
        }
        Ok(Hashed { path, source, size, sha256 })
    }

    fn add(&mut self, path: &FilePath, size: u64, image: Option<ImageSize>) -> Result<(), String> {
        self.shape.add(path, size, image).map(drop).map_err(|problem| problem.to_string())
    }

    /// A few images with a wrong extension are read as what they are. If there are more than a person is told of, images were
    /// renamed instead of converted; their owner should know before a program that goes by names does.
    fn misnamed_are_few(&mut self) {
        let misnamed = std::mem::take(&mut self.misnamed);
        if misnamed.len() > MOST_PROBLEMS {
            let renamed = misnamed.into_iter().map(|one| format!("{one}: give it that extension"));
            self.problems.extend(renamed);
        } else {
            let read = misnamed.into_iter().map(|one| format!("{one}, and is read as one"));
            self.notes.extend(read);
        }
    }

    /// What the files say together.
    fn together(&mut self, given: Option<Format>, files: &[Hashed]) -> Result<(), Failure> {
        let sources: HashMap<&str, &PathBuf> =
            files.iter().map(|file| (file.path.as_str(), &file.source)).collect();
        let open = |path: &FilePath| -> io::Result<Box<dyn Read>> {
            let source = sources.get(path.as_str()).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(File::open(source)?))
        };
        let shape = std::mem::replace(&mut self.shape, Shape::new(Bounds::default()));
        match shape.finish(given, open) {
            Ok(contents) => {
                self.notes.extend(contents.notes.to_string().lines().map(str::to_owned));
                self.notes.extend(leaks(&contents, files));
            }
            Err(Refusal::Problems(problems)) => {
                let told = problems.iter().map(ToString::to_string);
                self.problems.extend(told);
                let more = usize::try_from(problems.more()).unwrap_or(usize::MAX);
                // Counted below; what they are is not known here.
                self.problems.extend(std::iter::repeat_n(String::new(), more));
            }
            Err(Refusal::Unreadable { path, error }) => {
                return Err(at(Path::new(path.as_str()), &error));
            }
        }
        Ok(())
    }

    /// Tells the notes; fails if there are problems.
    fn end(self, skipped: &[String]) -> Result<(), Failure> {
        let left = skipped.iter().map(|path| format!("{path}: skipped, a system left it behind"));
        for note in bounded(left.chain(self.notes).collect()) {
            // Nowhere is left to complain to if stderr is closed.
            let _ = writeln!(io::stderr(), "note: {}", plain(&note));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        let told = bounded(self.problems);
        let told: Vec<_> = told.iter().map(|problem| format!("\n  {}", plain(problem))).collect();
        let told = told.concat();
        Err(Failure::failed(format_args!(
            "the folder is refused, and nothing was sent:{told}\nmend it and run the same command again"
        )))
    }
}

/// The first of them, and how many more there are.
fn bounded(mut told: Vec<String>) -> Vec<String> {
    let more = told.len().saturating_sub(MOST_PROBLEMS);
    told.truncate(MOST_PROBLEMS);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    told
}

/// What is said of files of equal content that the layout puts into two splits.
fn leaks(contents: &Contents, files: &[Hashed]) -> Option<String> {
    let hashes: HashMap<&str, &[u8; 32]> =
        files.iter().map(|file| (file.path.as_str(), &file.sha256)).collect();
    let mut first: HashMap<&[u8; 32], &Item> = HashMap::new();
    let mut leaking = Vec::new();
    for item in contents.items.iter().filter(|item| item.split.is_some()) {
        let Some(hash) = hashes.get(item.path.as_str()) else { continue };
        let other = *first.entry(*hash).or_insert(item);
        if other.split != item.split {
            leaking.push((other, item));
        }
    }
    let (one, other) = leaking.first()?;
    Some(format!(
        "{} images are in another split, too, such as {} and {}: hallpass dataset check lists them, and hallpass dataset split keeps \
         equal files together",
        leaking.len(),
        one.path,
        other.path
    ))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use hallpass_formats::testing;

    use super::*;

    fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        folder
    }

    fn refusal(files: &[(&str, &[u8])]) -> String {
        let folder = folder_of(files);
        inspect(folder.path(), Whole::Dataset(None)).unwrap_err().to_string()
    }

    #[test]
    fn files_come_with_their_hashes() {
        let png = testing::png(2, 2, 0);
        let folder = folder_of(&[("cat/1.png", &png), (".DS_Store", b"x")]);
        let files = inspect(folder.path(), Whole::Dataset(None)).unwrap();
        let [file] = files.as_slice() else { unreachable!("{files:?}") };
        assert_eq!((file.path.as_str(), file.size), ("cat/1.png", png.len() as u64));
        assert_eq!(file.sha256, digest::of_reader(png.as_slice()).unwrap().0);
    }

    #[test]
    fn up_to_twenty_problems_are_told_at_once() {
        let paths: Vec<String> = (0..30).map(|number| format!("cat/{number:02}.png")).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), &b"no image"[..])).collect();
        let refusal = refusal(&files);
        assert!(refusal.contains("cat/00.png: ") && refusal.contains("cat/19.png: "), "{refusal}");
        assert!(!refusal.contains("cat/20.png") && refusal.contains("and 10 more"), "{refusal}");
    }

    #[test]
    fn problems_of_images_do_not_hide_those_of_annotations() {
        let png = testing::png(2, 2, 0);
        let refusal = refusal(&[
            ("images/1.png", &png[..30]),
            ("images/2.png", &png),
            ("labels.csv", b"filename,label\n1.png,cat\n9.png,cat\n"),
        ]);
        assert!(refusal.contains("images/1.png: is a truncated PNG"), "{refusal}");
        assert!(refusal.contains("labels.csv line 3: \"9.png\" is not among"), "{refusal}");
        assert!(!refusal.contains("line 2"), "{refusal}");
    }

    #[test]
    fn a_wrong_extension_is_a_note_and_many_are_a_problem() {
        let png = testing::png(2, 2, 0);
        let paths: Vec<String> = (0..21).map(|number| format!("cat/{number:02}.jpg")).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), png.as_slice())).collect();
        let folder = folder_of(&files[..20]);
        assert_eq!(inspect(folder.path(), Whole::Dataset(None)).unwrap().len(), 20);
        let refusal = refusal(&files);
        assert!(refusal.contains("cat/05.jpg: holds a PNG image: give it that"), "{refusal}");
    }

    #[test]
    fn a_part_of_a_dataset_is_checked_file_by_file() {
        let folder = folder_of(&[("classes.txt", b"cat")]);
        assert!(inspect(folder.path(), Whole::Dataset(None)).is_err());
        assert!(inspect(folder.path(), Whole::Part).is_ok());
    }
}
