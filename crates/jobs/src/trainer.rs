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
    /// The scopes that a trainer may be given.
    pub const SCOPES: [&'static str; 2] = ["labeler:read", "labeler:write"];

    /// Looks whether it can be run at all.
    pub fn check(&self) -> Result<(), TrainerError> {
        let wrong = |key, problem| Err(TrainerError { key, problem });
        if self.program.as_os_str().is_empty() {
            return wrong("program", "is empty; right: a program's path".to_owned());
        }
        if self.time_limit.is_zero() {
            return wrong("time_limit", "is no time; right: such as \"2h\"".to_owned());
        }
        match self.scopes.iter().find(|scope| !Self::SCOPES.contains(&scope.as_str())) {
            Some(scope) => wrong(
                "scopes",
                format!("{scope:?} is not for jobs; right: {}", Self::SCOPES.join(", ")),
            ),
            None => Ok(()),
        }
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
