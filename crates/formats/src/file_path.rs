//! Names of files inside a dataset.
//!
//! Invariant: a `FilePath` never names anything outside its dataset, whatever joins it to a folder on whatever system, and it
//! looks to a person like what it is.

use std::fmt;

/// The most bytes of one part.
pub const LONGEST_PART: usize = 255;
/// The most bytes of a whole path.
pub const LONGEST_PATH: usize = 1024;

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
        if let Some(refused) = text.chars().find(|c| is_refused(*c)) {
            return Err(PathProblem::Character(refused));
        }
        text.split('/').try_for_each(check_part)?;
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

    /// What follows the last dot of the file's name.
    pub fn extension(&self) -> Option<&str> {
        let name = self.0.rsplit('/').next()?;
        let (stem, extension) = name.rsplit_once('.')?;
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
    #[error("the path is longer than 1024 bytes")]
    TooLong,
    /// A control character, one that hides or turns text, or a backslash.
    #[error("the path holds the character U+{:04X}, which is not allowed", u32::from(*.0))]
    Character(char),
    /// Two slashes in a row, or one at the beginning or the end.
    #[error("the path has an empty part")]
    EmptyPart,
    /// "." or "..".
    #[error("the path has the part \".\" or \"..\"")]
    DotPart,
    /// More than [`LONGEST_PART`] bytes.
    #[error("a part of the path is longer than 255 bytes")]
    PartTooLong,
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

/// Control characters, and those that a person does not see or that turn the text around them.
pub fn is_refused(c: char) -> bool {
    c == '\\'
        || c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{E0000}'..='\u{E007F}')
}

fn check_part(part: &str) -> Result<(), PathProblem> {
    match part {
        "" => Err(PathProblem::EmptyPart),
        "." | ".." => Err(PathProblem::DotPart),
        long if long.len() > LONGEST_PART => Err(PathProblem::PartTooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        let long_part = "a".repeat(256);
        let long_path = ["a"; 513].join("/");
        let table: &[(&str, PathProblem)] = &[
            ("", PathProblem::Empty),
            ("/", PathProblem::EmptyPart),
            ("/etc/passwd", PathProblem::EmptyPart),
            ("cat//1.png", PathProblem::EmptyPart),
            ("cat/", PathProblem::EmptyPart),
            ("..", PathProblem::DotPart),
            ("../up.png", PathProblem::DotPart),
            ("cat/../../up.png", PathProblem::DotPart),
            ("cat/..", PathProblem::DotPart),
            ("./cat.png", PathProblem::DotPart),
            ("..\\up.png", PathProblem::Character('\\')),
            ("C:\\up.png", PathProblem::Character('\\')),
            ("cat/1\0.png", PathProblem::Character('\0')),
            ("cat/1\n.png", PathProblem::Character('\n')),
            ("cat/\u{7f}.png", PathProblem::Character('\u{7f}')),
            ("cat/\u{85}.png", PathProblem::Character('\u{85}')),
            ("cat/\u{1b}[2J.png", PathProblem::Character('\u{1b}')),
            ("cat/gpj.\u{202e}png", PathProblem::Character('\u{202e}')),
            ("cat/\u{2066}a.png", PathProblem::Character('\u{2066}')),
            ("cat/a\u{200b}.png", PathProblem::Character('\u{200b}')),
            ("\u{feff}cat/a.png", PathProblem::Character('\u{feff}')),
            ("cat/\u{e0041}.png", PathProblem::Character('\u{e0041}')),
            (&long_part, PathProblem::PartTooLong),
            (&long_path, PathProblem::TooLong),
        ];
        for (text, problem) in table {
            assert_eq!(FilePath::parse(text), Err(*problem), "{}", shown(text));
        }
    }

    #[test]
    fn each_hiding_or_turning_character_is_refused() {
        let ranges = [0..=0x1F, 0x7F..=0x9F, 0x2028..=0x202E, 0x2060..=0x206F, 0xE0000..=0xE007F];
        let single = [0x5C, 0x61C, 0x200B, 0x200E, 0x200F, 0xFEFF];
        for c in ranges.into_iter().flatten().chain(single).filter_map(char::from_u32) {
            let path = format!("cat/a{c}b.png");
            assert_eq!(FilePath::parse(&path), Err(PathProblem::Character(c)), "{}", shown(&path));
        }
    }

    #[test]
    fn ordinary_names_pass_unchanged() {
        let longest_part = "a".repeat(255);
        for text in [
            "cat/001.png",
            "Katze/ü é.png",
            "a/b/c/d.jpeg",
            ".hidden",
            "..a",
            "猫/1.png",
            &longest_part,
        ] {
            assert_eq!(FilePath::parse(text).map(|path| path.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn parts_are_found() -> Result<(), PathProblem> {
        let path = FilePath::parse("a/b.c/d.PNG")?;
        assert_eq!(path.top_folder(), Some("a"));
        assert_eq!(path.extension(), Some("PNG"));
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b.c"]);
        let top = FilePath::parse(".png")?;
        assert_eq!((top.top_folder(), top.extension()), (None, None));
        Ok(())
    }

    #[test]
    fn what_is_shown_is_escaped_and_bounded() {
        assert_eq!(shown("a\u{202e}\n\""), "\"a\\u{202e}\\n\\\"\"");
        assert!(shown(&"x".repeat(5000)).len() < 150);
    }
}
