//! How long sessions live, as the section `[sessions]` says.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsSection {
    /// The longest; at most an hour, and never more than the token's own life.
    #[serde(deserialize_with = "duration::read")]
    pub longest: Duration,
    /// Without a call for so long a session ends.
    #[serde(deserialize_with = "duration::read")]
    pub idle: Duration,
}

impl Default for SessionsSection {
    fn default() -> Self {
        Self { longest: Duration::from_hours(1), idle: Duration::from_mins(15) }
    }
}
