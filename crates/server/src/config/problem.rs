//! What is wrong with a configuration, said so that it can be put right.

use std::fmt;
use std::path::PathBuf;

use figment::Figment;
use figment::error::Kind;
use hallpass_telemetry::urls;

/// A configuration that is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("{}: no such configuration file", .0.display())]
    NoFile(PathBuf),
    /// A variable does not hold text.
    #[error("{0}: not text: give a value in UTF-8")]
    NotText(String),
    /// A value, or several, that cannot be taken.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<Problem>),
}

/// One value that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its key, such as "limits.calls".
    pub key: String,
    /// Where it comes from: a file, a variable, the command line.
    pub source: Option<String>,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl Problem {
    /// A problem that is found only after reading; where the value came from is looked up by its key.
    pub(super) fn traced(mut self, figment: &Figment) -> ConfigError {
        self.source = figment.find_metadata(&self.key).map(|from| place(from, &self.key));
        ConfigError::Problems(vec![self])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(source) = &self.source {
            write!(f, " (from {source})")?;
        }
        // A value that is not understood may be a URL with a password in it.
        write!(f, ": {}", urls::redacted(&self.problem))
    }
}

impl ConfigError {
    pub(super) fn unread(error: figment::Error) -> Self {
        let problems = error.into_iter().map(|error| {
            let mut key = error.path.clone();
            let named = match &error.kind {
                Kind::UnknownField(field, _) => Some(field.as_str()),
                Kind::MissingField(field) => Some(field.as_ref()),
                _ => None,
            };
            key.extend(
                named.filter(|field| key.last().is_none_or(|last| last != field)).map(Into::into),
            );
            let key = key.join(".");
            let source = error.metadata.as_ref().map(|from| place(from, &key));
            Problem { key, source, problem: said(&error.kind) }
        });
        Self::Problems(problems.collect())
    }
}

fn place(from: &figment::Metadata, key: &str) -> String {
    if let Some(file) = from.source.as_ref().and_then(figment::Source::file_path) {
        return file.display().to_string();
    }
    match from.name.as_ref() {
        super::source::ENVIRONMENT => super::source::variable(key),
        name => name.to_owned(),
    }
}

fn said(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, allowed) => {
            format!("there is no such key; allowed here: {}", allowed.join(", "))
        }
        Kind::MissingField(_) => "must be given".to_owned(),
        other => other.to_string(),
    }
}
