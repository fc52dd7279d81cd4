//! What is wrong with a dataset.
//!
//! Promise: each problem names its file, and its line where there is one; many are told at once, but never more than a person reads.

use std::{fmt, io};

use crate::FilePath;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` if it concerns the dataset as a whole.
    pub path: Option<FilePath>,
    /// The line in that file, from 1.
    pub line: Option<u64>,
    /// What, as text that goes behind the place.
    pub text: String,
}

impl Problem {
    /// Of the dataset as a whole.
    pub(crate) fn whole(text: impl Into<String>) -> Self {
        Self { path: None, line: None, text: text.into() }
    }

    /// Of a file.
    pub(crate) fn of(path: &FilePath, text: impl Into<String>) -> Self {
        Self { path: Some(path.clone()), line: None, text: text.into() }
    }

    /// Of a line of a file.
    pub(crate) fn at(path: &FilePath, line: u64, text: impl Into<String>) -> Self {
        Self { path: Some(path.clone()), line: Some(line), text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => write!(f, "{path} line {line}: {}", self.text),
            (Some(path), None) => write!(f, "{path}: {}", self.text),
            (None, _) => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for Problem {}

/// So many problems are told; of the others only the number.
pub const MOST_PROBLEMS: usize = 20;

/// So many more are counted; then reading ends.
const MOST_COUNTED: u64 = 10_000;

/// Everything that is wrong, in the order in which it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    told: Vec<Problem>,
    more: u64,
}

impl Problems {
    /// Those that are told, at most [`MOST_PROBLEMS`].
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.told.iter()
    }

    /// How many there are beside those that are told; at most 10,000 are counted.
    pub const fn more(&self) -> u64 {
        self.more
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        if self.told.len() < MOST_PROBLEMS {
            self.told.push(problem);
        } else {
            self.more = MOST_COUNTED.min(self.more + 1);
        }
    }

    /// Whether so much is wrong that it is no use to read on.
    pub(crate) const fn is_full(&self) -> bool {
        self.more >= MOST_COUNTED
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { told: vec![problem], more: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.told.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            MOST_COUNTED => write!(f, "\nand {MOST_COUNTED} more or still more"),
            more => write!(f, "\nand {more} more"),
        }
    }
}

/// Why a dataset's contents could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The dataset is wrong: its owner can mend it.
    #[error("{0}")]
    Problems(Problems),
    /// An annotation file could not be read from where it is kept: no fault of the dataset.
    #[error("{path}: cannot be read")]
    Unreadable {
        /// Which file.
        path: FilePath,
        /// What happened.
        #[source]
        error: io::Error,
    },
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problems(problem.into())
    }
}
