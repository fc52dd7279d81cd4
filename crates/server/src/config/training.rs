//! How jobs are run, and the trainers that an operator offers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::scalar::Scalar;
use super::{JobEngine, Problem, duration};

/// A trainer: a program without a shell. Users name it and supply nothing of it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerSection {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, in which `{data}`, `{items}`, `{output}` and `{job}` are filled in; numbers and booleans as they are written.
    #[serde(default, deserialize_with = "arguments")]
    pub arguments: Vec<String>,
    /// Its environment: texts, and numbers and booleans as they are written.
    #[serde(default, deserialize_with = "variables")]
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
    /// The most jobs of one user that are queued or running [default: 100].
    pub queued_per_user: u32,
    /// The most jobs that are kept of one user: the oldest that have ended are dropped with what they made [default: 10000].
    pub kept_per_user: u32,
    /// The most bytes of results that are kept of one user: the oldest are dropped with their jobs [default: 1 TiB].
    pub kept_bytes_per_user: u64,
    /// The most bytes that one job may make [default: 64 GiB].
    pub result_bytes: u64,
    /// The most jobs of one user that Temporal has at once; the others wait in the database [default: 16].
    pub dispatched_per_user: u32,
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
            queued_per_user: 100,
            kept_per_user: 10_000,
            kept_bytes_per_user: 1 << 40,
            result_bytes: 64 << 30,
            dispatched_per_user: 16,
        }
    }
}

impl JobsSection {
    /// The first bound that nothing would fit in.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let all = [
            ("queued_per_user", self.queued_per_user.into()),
            ("kept_per_user", self.kept_per_user.into()),
            ("kept_bytes_per_user", self.kept_bytes_per_user),
            ("result_bytes", self.result_bytes),
            ("dispatched_per_user", self.dispatched_per_user.into()),
        ];
        let Some((name, _)) = all.into_iter().find(|(_, most): &(_, u64)| *most == 0) else {
            return Ok(());
        };
        let problem = "0 allows nobody anything: give 1 or more".to_owned();
        Err(Problem { key: format!("jobs.{name}"), source: None, problem })
    }
}

fn variables<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let written = BTreeMap::<String, Scalar>::deserialize(from)?;
    Ok(written.into_iter().map(|(name, value)| (name, value.into_text())).collect())
}

fn arguments<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let written = Vec::<Scalar>::deserialize(from)?;
    Ok(written.into_iter().map(Scalar::into_text).collect())
}

const fn a_day() -> Duration {
    Duration::from_hours(24)
}

fn reading() -> Vec<String> {
    vec!["labeler:read".to_owned()]
}
