//! Jobs as they are printed.

use std::collections::BTreeMap;

use clap::ValueEnum;
use hallpass_contract::platform::{Job, JobActivity, JobState};
use serde::Serialize;

use crate::instant;
use crate::output::{self, plain};

/// The states that a list can be limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// Waiting for a worker.
    Queued,
    /// At work.
    Running,
    /// Ended with a result.
    Succeeded,
    /// Ended without one.
    Failed,
    /// Ended by its owner.
    Aborted,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Aborted => Self::Aborted,
        }
    }
}

/// A job as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct JobView {
    pub(super) job_id: String,
    pub(super) display_name: String,
    pub(super) owner: String,
    pub(super) dataset_id: String,
    pub(super) dataset_etag: String,
    pub(super) snapshot_id: String,
    pub(super) trainer: String,
    pub(super) state: &'static str,
    pub(super) activity: &'static str,
    pub(super) attempt: u32,
    pub(super) progress: f64,
    pub(super) message: String,
    pub(super) abort_requested: bool,
    pub(super) result: Option<Outcome>,
    pub(super) failure: Option<Trouble>,
    pub(super) etag: String,
    pub(super) create_time: String,
    pub(super) update_time: String,
    pub(super) end_time: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    pub(super) metrics: BTreeMap<String, f64>,
    pub(super) artifact: String,
    pub(super) file_count: u64,
    pub(super) size_bytes: u64,
    pub(super) split_item_count: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Trouble {
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) retryable: bool,
}

impl JobView {
    /// Whether nothing more will come of it.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, "succeeded" | "failed" | "aborted")
    }

    /// Its state for people: an abort that is under way is said, which the contract has as a member of its own.
    pub(super) fn shown_state(&self) -> &'static str {
        if self.abort_requested && !self.has_ended() { "aborting" } else { self.state }
    }

    /// What came of it, or what it is at, in one line for people.
    pub(super) fn news(&self) -> String {
        let mut line = self.shown_state().to_owned();
        if line == "running" && !self.activity.is_empty() {
            line = format!("{} {:.0} %", self.activity, self.progress * 100.0);
            if self.attempt > 1 {
                line = format!("{line}, attempt {}", self.attempt);
            }
            if !self.message.is_empty() {
                line = format!("{line}: {}", plain(&self.message));
            }
        }
        if let Some(trouble) = &self.failure {
            line = format!("{line} ({}: {})", plain(&trouble.reason), plain(&trouble.message));
        }
        if let Some(outcome) = &self.result {
            let metrics = outcome.metrics.iter();
            let metrics = metrics.map(|(name, value)| format!(" {}={value}", plain(name)));
            line = format!(
                "{line}:{}; {} files in {}",
                metrics.collect::<String>(),
                outcome.file_count,
                plain(&outcome.artifact)
            );
            if outcome.split_item_count > 0 {
                line = format!("{line}; {} items split", outcome.split_item_count);
            }
        }
        line
    }
}

/// Jobs as a table.
pub(super) fn table(jobs: &[JobView]) -> String {
    let head = ["ID", "NAME", "OWNER", "DATASET", "STATE", "CREATED"];
    let rows = jobs.iter().map(|job| {
        let cells = [
            &job.job_id,
            &job.display_name,
            &job.owner,
            &job.dataset_id,
            job.shown_state(),
            &job.create_time,
        ];
        cells.map(|cell: &str| plain(cell).into_owned())
    });
    output::listing(head, rows, &["ID", "NAME", "STATE", "CREATED"])
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        let (state, activity) = (state(job.state()), activity(job.activity()));
        Self {
            job_id: job.job_id,
            display_name: job.display_name,
            owner: job.owner,
            dataset_id: job.dataset_id,
            dataset_etag: job.dataset_etag,
            snapshot_id: job.snapshot_id,
            trainer: job.trainer,
            state,
            activity,
            attempt: job.attempt,
            progress: job.progress,
            message: job.message,
            abort_requested: job.abort_requested,
            result: job.result.map(|of| Outcome {
                metrics: of.metrics.into_iter().collect(),
                artifact: of.artifact,
                file_count: of.file_count,
                size_bytes: of.size_bytes,
                split_item_count: of.split_item_count,
            }),
            failure: job.failure.map(|of| Trouble {
                reason: of.reason,
                message: of.message,
                retryable: of.retryable,
            }),
            etag: job.etag,
            create_time: instant::of_timestamp(job.create_time),
            update_time: instant::of_timestamp(job.update_time),
            end_time: job.end_time.map(|end| instant::of_timestamp(Some(end))),
        }
    }
}

const fn state(state: JobState) -> &'static str {
    match state {
        JobState::Unspecified => "unspecified",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Aborted => "aborted",
    }
}

const fn activity(activity: JobActivity) -> &'static str {
    match activity {
        JobActivity::Unspecified => "",
        JobActivity::Validate => "validate",
        JobActivity::Fetch => "fetch",
        JobActivity::Train => "train",
        JobActivity::Publish => "publish",
    }
}
