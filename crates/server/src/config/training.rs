//! How jobs are run, and the trainers that an operator offers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{JobEngine, duration};

/// A trainer: a program without a shell. Users name it and supply nothing of it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerSection {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, in which `{data}`, `{items}`, `{output}` and `{job}` are filled in.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// How long it may run.
    #[serde(default = "a_day", deserialize_with = "duration::read")]
    pub time_limit: Duration,
    /// Where it runs.
    pub folder: Option<PathBuf>,
    /// What its jobs' background tokens may be used for.
    #[serde(default = "reading")]
    pub scopes: Vec<String>,
}

impl std::fmt::Debug for TrainerSection {
    // The environment may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainerSection").field("program", &self.program).finish_non_exhaustive()
    }
}

/// How jobs are run.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsSection {
    /// Who runs them.
    pub engine: JobEngine,
    /// So many at once; 0 where another process runs them.
    pub concurrency: usize,
    /// So many attempts at each part of a job.
    pub attempts: u32,
    /// The pause after the first attempt; each later one is twice as long.
    #[serde(deserialize_with = "duration::read")]
    pub first_pause: Duration,
    /// No pause is longer.
    #[serde(deserialize_with = "duration::read")]
    pub longest_pause: Duration,
    /// How long a trainer may take to end once it is told to.
    #[serde(deserialize_with = "duration::read")]
    pub grace: Duration,
}

impl Default for JobsSection {
    fn default() -> Self {
        Self {
            engine: JobEngine::Embedded,
            concurrency: 2,
            attempts: 6,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            grace: Duration::from_secs(5),
        }
    }
}

const fn a_day() -> Duration {
    Duration::from_hours(24)
}

fn reading() -> Vec<String> {
    vec!["labeler:read".to_owned()]
}
