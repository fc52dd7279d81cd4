//! From which folder the file names in an annotation file count.
//!
//! Promise: one folder for the whole file, and one part of the names that is left out: those with which most of the names are found.
//! The formats themselves do not say which. Tools write names from where the images stood: absolute, as URLs, with a folder before.

use std::collections::BTreeSet;

use crate::kind::is_image;
use crate::names::Found;
use crate::shape::{File, Shape};
use crate::{FilePath, Split, shown};

/// So many names are tried in each folder.
pub(crate) const TRIED: usize = 200;

/// So many folders are tried.
const MOST_FOLDERS: usize = 64;

/// So many folders before a name may be left out.
const MOST_LEFT_OUT: usize = 12;

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
    left_out: LeftOut,
    shape: &'a Shape,
}

/// What of each name is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LeftOut {
    Nothing,
    /// These folders at the beginning, where a name has them.
    Prefix(Vec<String>),
    /// All folders.
    Folders,
}

impl<'a> Places<'a> {
    pub(crate) fn new(shape: &'a Shape) -> Self {
        let folders = shape.images().flat_map(|(_, file)| file.path.folders()).collect();
        Self { shape, folders }
    }

    /// The folder in which most of these names are found, and how many are. They are those in `annotations`, or the first of them.
    pub(crate) fn choose<'n, N: Iterator<Item = &'n str>>(
        &self,
        annotations: &'a FilePath,
        names: impl Fn() -> N,
    ) -> (Base<'a>, usize) {
        let names = || names().take(TRIED);
        let wanted = names().count();
        let base = |folder, left_out| Base { folder, left_out, shape: self.shape };
        let (likely, others) = self.folders(annotations);
        let (mut best, mut most) = (base(annotations.folder(), LeftOut::Nothing), Score::default());
        for left_out in ways(names().next().unwrap_or_default()) {
            for folder in &likely {
                let base = base(folder, left_out.clone());
                let score = base.score(names());
                if score > most {
                    (best, most) = (base, score);
                }
                if most.found == wanted {
                    return (best, wanted);
                }
            }
        }
        // Anywhere else only where no other folder fits as well.
        let scored = others.into_iter().map(|folder| base(folder, LeftOut::Nothing));
        let mut scored: Vec<_> = scored.map(|base| (base.score(names()), base)).collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let second = scored.get(1).map(|(score, _)| *score);
        match scored.into_iter().next() {
            Some((score, base)) if score > most && Some(score) != second => (base, score.found),
            _ => (best, most.found),
        }
    }

    /// Where images may be, the likeliest first: beside the file, in the folders above it, and wherever a folder of images has the
    /// file's name or split, or a usual name. Then all other folders.
    fn folders(&self, annotations: &'a FilePath) -> (Vec<&'a str>, Vec<&'a str>) {
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
        let (fitting, others): (Vec<&str>, Vec<&str>) =
            self.folders.iter().partition(|folder| fits(folder));
        likely.extend(fitting);
        likely.truncate(MOST_FOLDERS);
        (likely, others.into_iter().take(MOST_FOLDERS).collect())
    }
}

/// How many names were found, and how many almost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    found: usize,
    almost: usize,
}

/// What may be left out of names that begin as this one does, the least first.
fn ways(name: &str) -> Vec<LeftOut> {
    let parts = parts(name);
    let folders = parts.len().saturating_sub(1).min(MOST_LEFT_OUT);
    let prefix = |count: usize| {
        LeftOut::Prefix(parts[..count].iter().map(|part| (*part).to_owned()).collect())
    };
    let mut ways = vec![LeftOut::Nothing];
    ways.extend((1..=folders).map(prefix));
    ways.push(LeftOut::Folders);
    ways
}

/// The parts of a name, whichever slash parts them.
fn parts(name: &str) -> Vec<&str> {
    name.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect()
}

impl<'a> Base<'a> {
    /// The image that a name means.
    pub(crate) fn image(&self, name: &str) -> Result<(u32, &'a File), String> {
        let absent = || match self.folder {
            "" => format!("{} is not among the files", shown(name)),
            folder => format!("{} is not among the files in {folder}", shown(name)),
        };
        match self.find(name) {
            Found::File(number) => {
                let file = &self.shape.files[number as usize];
                let image = file.is_image().then_some((number, file));
                image.ok_or_else(|| format!("{} is no image", shown(name)))
            }
            Found::Almost(number) => {
                let other = self.shape.path(number);
                Err(format!(
                    "{}; {other} is spelled otherwise: write it as the file is called",
                    absent()
                ))
            }
            Found::Folder => Err(format!("{} is a folder, no image", shown(name))),
            Found::Nothing => Err(format!("{}: add it, or take out what names it", absent())),
        }
    }

    fn score<'n>(&self, names: impl Iterator<Item = &'n str>) -> Score {
        let mut score = Score::default();
        for name in names {
            match self.find(name) {
                Found::File(_) => score.found += 1,
                Found::Almost(_) => score.almost += 1,
                Found::Folder | Found::Nothing => {}
            }
        }
        score
    }

    fn find(&self, name: &str) -> Found {
        let local = local(name);
        let found = self.find_local(&local);
        if found != Found::Nothing {
            return found;
        }
        let decoded = decoded(&local);
        let found = decoded.as_deref().map_or(Found::Nothing, |name| self.find_local(name));
        if found != Found::Nothing {
            return found;
        }
        without_mark(&local).map_or(Found::Nothing, |name| self.find_local(&name))
    }

    fn find_local(&self, name: &str) -> Found {
        let rest = match &self.left_out {
            LeftOut::Nothing => None,
            LeftOut::Folders => parts(name).last().map(|last| (*last).to_owned()),
            LeftOut::Prefix(prefix) => {
                let parts = parts(name);
                let (head, rest) = parts.split_at(prefix.len().min(parts.len()));
                (head == prefix.as_slice()).then(|| rest.join("/"))
            }
        };
        let name = rest.as_deref().unwrap_or(name);
        match self.shape.names.find(self.folder, name) {
            Found::Nothing if !is_image(name) && !name.is_empty() => self.with_extension(name),
            // Another extension is another file, but worth to be told.
            Found::Nothing => {
                let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
                match self.with_extension(stem) {
                    Found::File(file) if !stem.is_empty() => Found::Almost(file),
                    _ => Found::Nothing,
                }
            }
            found => found,
        }
    }

    /// Some tables have names without their extension. One image may fit.
    fn with_extension(&self, name: &str) -> Found {
        const EXTENSIONS: [&str; 9] =
            ["jpg", "png", "jpeg", "webp", "bmp", "gif", "jpe", "jfif", "dib"];
        let mut all = EXTENSIONS.iter().filter_map(|extension| {
            match self.shape.names.find(self.folder, &format!("{name}.{extension}")) {
                Found::File(file) | Found::Almost(file) => Some(file),
                _ => None,
            }
        });
        match (all.next(), all.next()) {
            (Some(file), None) => Found::File(file),
            (Some(file), Some(_)) => Found::Almost(file),
            _ => Found::Nothing,
        }
    }
}

/// A name without what only says how to fetch it: scheme and host of a URL, its query; of Label Studio's local files the path alone.
fn local(name: &str) -> String {
    let name = name.trim();
    let name = name.split_once("?d=").map_or(name, |(_, path)| path);
    let name = match name.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or(rest, |(_, path)| path),
        None => name,
    };
    name.split('?').next().unwrap_or(name).to_owned()
}

/// A name whose bytes are escaped as in a URL (`%20`).
fn decoded(name: &str) -> Option<String> {
    if !name.contains('%') {
        return None;
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().filter(|decoded| decoded != name)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Label Studio puts eight digits before the names of files that are uploaded (`upload/1/d8a2f2b6-1.png`).
fn without_mark(name: &str) -> Option<String> {
    let (folder, file) = name.rsplit_once('/')?;
    let (mark, own) = file.split_once('-')?;
    let is_mark = mark.len() == 8 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_mark && folder.contains("upload") && !own.is_empty()).then(|| format!("{folder}/{own}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_says_how_to_fetch_a_file_is_no_part_of_its_name() {
        for (name, plain) in [
            ("a/1.png", "a/1.png"),
            ("https://h.example/a/1.png?x=1", "a/1.png"),
            ("s3://bucket/a/1.png", "a/1.png"),
            ("/data/local-files/?d=a/1.png", "a/1.png"),
            (" 1.png ", "1.png"),
        ] {
            assert_eq!(local(name), plain, "{name}");
        }
        assert_eq!(decoded("a%20b%C3%A9.png").as_deref(), Some("a b\u{e9}.png"));
        assert_eq!(decoded("100%.png"), None);
        assert_eq!(
            without_mark("data/upload/1/0a1b2c3d-x-1.png").as_deref(),
            Some("data/upload/1/x-1.png")
        );
        assert_eq!(without_mark("data/0a1b2c3d-1.png"), None);
    }
}
