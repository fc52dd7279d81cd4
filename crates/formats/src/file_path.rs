//! Names of files inside a dataset.
//!
//! Invariant: a `FilePath` never names anything outside its dataset, whatever joins it to a folder on whatever system; every
//! usual system can make a file of that name; and it looks to a person like what it is.

mod characters;
mod folded;

#[cfg(test)]
mod tests;

use std::fmt;

use characters::{is_foreign, is_look_alike};

pub use characters::is_refused;
pub(crate) use folded::folded;

/// The most bytes of one part.
pub const LONGEST_PART: usize = 255;
/// The most bytes of a whole path.
pub const LONGEST_PATH: usize = 1024;
/// The most parts of a path, the file's name included.
pub const DEEPEST_PATH: usize = 32;

/// A checked relative path, parts separated by '/', such as "cat/001.png".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(String);

impl FilePath {
    /// Checks a path as a client sent it.
    pub fn parse(text: &str) -> Result<Self, PathProblem> {
        if text.is_empty() {
            return Err(PathProblem::Empty);
        }
        if text.len() > LONGEST_PATH {
            return Err(PathProblem::TooLong);
        }
        text.chars().try_for_each(check_character)?;
        text.split('/').try_for_each(check_part)?;
        if text.split('/').count() > DEEPEST_PATH {
            return Err(PathProblem::TooDeep);
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first folder; `None` for a file at the top.
    pub fn top_folder(&self) -> Option<&str> {
        Some(self.0.split_once('/')?.0)
    }

    /// The folder that the file lies in; "" for a file at the top.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The file's name, without its folders.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// What stands before the last dot of the file's name; the whole name if it has no extension.
    pub fn stem(&self) -> &str {
        match self.name().rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => self.name(),
        }
    }

    /// What follows the last dot of the file's name.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }

    /// Every folder that the file lies in, the outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no path of a file in a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// There is nothing.
    #[error("the path is empty")]
    Empty,
    /// More than [`LONGEST_PATH`] bytes.
    #[error("the path is longer than {LONGEST_PATH} bytes")]
    TooLong,
    /// More than [`DEEPEST_PATH`] parts.
    #[error("the path has more than {DEEPEST_PATH} parts")]
    TooDeep,
    /// A control character, one that hides or turns text, or a backslash.
    #[error("the path holds the character U+{:04X}, which is not allowed", u32::from(*.0))]
    Character(char),
    /// A character that some systems do not let into names.
    #[error("the path holds the character '{0}', which Windows does not allow in names")]
    Foreign(char),
    /// A character that a person takes for '/', '\' or '.'.
    #[error("the path holds the character U+{:04X}, which looks like a separator or a dot", u32::from(*.0))]
    LookAlike(char),
    /// Two slashes in a row, or one at the beginning or the end.
    #[error("the path has an empty part")]
    EmptyPart,
    /// "." or "..".
    #[error("the path has the part \".\" or \"..\"")]
    DotPart,
    /// More than [`LONGEST_PART`] bytes.
    #[error("a part of the path is longer than {LONGEST_PART} bytes")]
    PartTooLong,
    /// A dot or a space at the end, which Windows drops.
    #[error("a part of the path ends with a dot or a space, which Windows drops")]
    DroppedEnd,
    /// The name of a device, with whatever extension.
    #[error("a part of the path is the name of a device on Windows, such as CON or NUL")]
    Device,
}

/// Text of a client in a form that is safe to show: quoted, escaped and bounded.
pub fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let mut short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

fn check_character(c: char) -> Result<(), PathProblem> {
    match c {
        _ if is_refused(c) => Err(PathProblem::Character(c)),
        _ if is_foreign(c) => Err(PathProblem::Foreign(c)),
        _ if is_look_alike(c) => Err(PathProblem::LookAlike(c)),
        _ => Ok(()),
    }
}

fn check_part(part: &str) -> Result<(), PathProblem> {
    match part {
        "" => Err(PathProblem::EmptyPart),
        "." | ".." => Err(PathProblem::DotPart),
        long if long.len() > LONGEST_PART => Err(PathProblem::PartTooLong),
        _ if part.ends_with('.') || part.ends_with(char::is_whitespace) => {
            Err(PathProblem::DroppedEnd)
        }
        _ if is_device(part) => Err(PathProblem::Device),
        _ => Ok(()),
    }
}

/// Windows opens a device under these names, in any folder and whatever follows the first dot.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    let Some((name, number)) = stem.char_indices().nth(3).map(|(at, _)| stem.split_at(at)) else {
        return matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL");
    };
    match name {
        "COM" | "LPT" => {
            matches!(
                number,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        }
        _ => matches!(stem.as_str(), "CONIN$" | "CONOUT$"),
    }
}
