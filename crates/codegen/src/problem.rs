//! What is wrong with a contract, and where.

use std::fmt;

/// One thing that is wrong with a contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as it was found from the build script's folder.
    pub file: String,
    /// The line, from 1; 0 where a file as a whole is meant.
    pub line: u32,
    /// What is wrong and what would be right, beginning with the service or RPC concerned.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.text),
            line => write!(f, "{}:{line}: {}", self.file, self.text),
        }
    }
}

/// Everything that is wrong with a contract, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where something is declared, and what it is called in a report.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) subject: String,
}

/// Collects problems while the checking goes on.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Problem>);

impl Report {
    /// Notes a problem of what stands at a place; the text goes on after the place's subject.
    pub(crate) fn add(&mut self, place: &Place, text: impl fmt::Display) {
        self.0.push(Problem {
            file: place.file.clone(),
            line: place.line,
            text: format!("{} {text}", place.subject),
        });
    }

    /// The problems in order, or nothing.
    pub(crate) fn into_result(self) -> Result<(), Problems> {
        let mut problems = self.0;
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }
}
