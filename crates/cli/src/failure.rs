//! Why a command ended without having done what it was asked for. Messages name the thing, where it came from and what would
//! be right; none holds a token or a secret, nor the password of a URL.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use hallpass_telemetry::urls;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments do not fit together: exit code 2, as for those that the parser refuses.
    #[error("{0}")]
    Arguments(String),
    /// The configuration is wrong, or the thing could not be done: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// Arguments that do not fit together.
    pub(crate) fn arguments(problem: impl Display) -> Self {
        Self::Arguments(urls::redacted(&problem.to_string()).into_owned())
    }

    /// A wrong configuration, or something that could not be done.
    pub(crate) fn failed(problem: impl Display) -> Self {
        Self::Failed(urls::redacted(&problem.to_string()).into_owned())
    }

    /// Says on stderr what is wrong and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // Nowhere is left to complain to if stderr is closed.
        let _ = writeln!(std::io::stderr(), "error: {self}");
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Arguments(_) => ExitCode::from(2),
        }
    }
}

/// An error with all its causes, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
