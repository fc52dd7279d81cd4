//! Trainers, as the operator names them: a program and its arguments, never a shell.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One trainer. Its `Debug` does not show the environment's values.
#[derive(Clone, PartialEq, Eq)]
pub struct Trainer {
    /// The program: a path, or a name that is looked for in `PATH`.
    pub program: PathBuf,
    /// Its arguments. `{data}`, `{items}`, `{output}` and `{job}` in them stand for the fetched folder, the file with a line of JSON for
    /// each item, the folder for what the trainer makes, and the job's id.
    pub arguments: Vec<String>,
    /// Its environment, besides `PATH` alone of Platform's own.
    pub environment: BTreeMap<String, String>,
    /// How long it may run.
    pub time_limit: Duration,
    /// Where it runs; the folder for what it makes if absent.
    pub folder: Option<PathBuf>,
    /// What the job's background tokens may be used for.
    pub scopes: Vec<String>,
}

/// Why a trainer is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainerError {
    /// The setting.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl Trainer {
    /// What every trainer's jobs need.
    pub const READ: &'static str = "labeler:read";
    /// What those need that update splits.
    pub const WRITE: &'static str = "labeler:write";

    /// Looks whether it can be run at all.
    pub fn check(&self) -> Result<(), TrainerError> {
        let wrong = |key, problem| Err(TrainerError { key, problem });
        if self.program.as_os_str().is_empty() {
            return wrong("program", "is empty; right: a program's path".to_owned());
        }
        if self.time_limit.is_zero() {
            return wrong("time_limit", "is no time; right: such as \"2h\"".to_owned());
        }
        let (read, write) = (Self::READ, Self::WRITE);
        if let Some(scope) = self.scopes.iter().find(|scope| *scope != read && *scope != write) {
            return wrong("scopes", format!("{scope:?} is not for jobs; right: {read}, {write}"));
        }
        if !self.may(read) {
            let right = format!("lack {read:?}, which every job needs; right: {read}, {write}");
            return wrong("scopes", right);
        }
        Ok(())
    }

    /// Whether its jobs may change their datasets.
    pub fn writes(&self) -> bool {
        self.may(Self::WRITE)
    }

    /// Whether its jobs' tokens may be used for this.
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    pub(crate) fn filled(&self, values: &[(&str, String)]) -> Vec<String> {
        let fill = |argument: &String| {
            values.iter().fold(argument.clone(), |text, (name, value)| text.replace(name, value))
        };
        self.arguments.iter().map(fill).collect()
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trainer")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("time_limit", &self.time_limit)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_reading_and_perhaps_writing() {
        let checked = |scopes: &[&str]| {
            let trainer = Trainer {
                program: "true".into(),
                arguments: Vec::new(),
                environment: BTreeMap::new(),
                time_limit: Duration::from_secs(1),
                folder: None,
                scopes: scopes.iter().map(ToString::to_string).collect(),
            };
            trainer.check().map_err(|wrong| wrong.key)
        };
        for right in [&["labeler:read"][..], &["labeler:read", "labeler:write"]] {
            assert_eq!(checked(right), Ok(()), "{right:?}");
        }
        for wrong in [&[][..], &["labeler:write"], &["labeler:read", "labeler:delete"]] {
            assert_eq!(checked(wrong), Err("scopes"), "{wrong:?}");
        }
    }
}
