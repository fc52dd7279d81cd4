//! Where a shared secret is kept. A ring names the place; the caller fetches it.

use std::fmt;
use std::str::FromStr;

/// The place of a secret, as a ring's member `secret` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file's content.
    File(String),
    /// `ssm:/path`: a parameter of an AWS parameter store.
    Ssm(String),
}

/// The text names no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret's place; env:NAME, file:PATH or ssm:/path")]
pub struct SecretRefError;

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (scheme, place) = text.split_once(':').ok_or(SecretRefError)?;
        match scheme {
            _ if place.is_empty() => Err(SecretRefError),
            "env" => Ok(Self::Env(place.to_owned())),
            "file" => Ok(Self::File(place.to_owned())),
            "ssm" if place.starts_with('/') => Ok(Self::Ssm(place.to_owned())),
            _ => Err(SecretRefError),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Ssm(path) => write!(f, "ssm:{path}"),
        }
    }
}
