//! Jobs as users see them.

use hallpass_contract::platform::{self, JobActivity, JobFailure, JobResult, JobState};
use hallpass_jobs::{Activity, Failure, Published};
use hallpass_token::UnixTime;
use prost_types::Timestamp;

use crate::job::{Job, State};

impl From<Job> for platform::Job {
    fn from(job: Job) -> Self {
        let activity =
            job.place.map_or(JobActivity::Unspecified, |place| place.activity.into_wire());
        Self {
            job_id: job.id.as_str().to_owned(),
            display_name: job.display_name,
            owner: job.owner,
            dataset_id: job.dataset_id,
            dataset_etag: job.dataset_etag,
            snapshot_id: job.snapshot_id,
            trainer: job.trainer,
            state: JobState::from(job.state).into(),
            activity: activity.into(),
            attempt: job.place.map_or(0, |place| place.attempt),
            progress: share(job.progress),
            message: job.message,
            abort_requested: job.abort_requested,
            result: job.result.map(result),
            failure: job.failure.map(failure),
            etag: job.etag,
            create_time: Some(timestamp(job.created)),
            update_time: Some(timestamp(job.updated)),
            end_time: job.ended.map(timestamp),
        }
    }
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

trait IntoWire {
    fn into_wire(self) -> JobActivity;
}

impl IntoWire for Activity {
    fn into_wire(self) -> JobActivity {
        match self {
            Self::Validate => JobActivity::Validate,
            Self::Fetch => JobActivity::Fetch,
            Self::Train => JobActivity::Train,
            Self::Publish => JobActivity::Publish,
        }
    }
}

/// An instant as it is sent.
pub(crate) const fn timestamp(instant: UnixTime) -> Timestamp {
    Timestamp { seconds: instant.as_secs().cast_signed(), nanos: 0 }
}

fn result(of: Published) -> JobResult {
    JobResult {
        metrics: of.metrics.into_iter().collect(),
        artifact: of.artifact,
        file_count: of.file_count,
        size_bytes: of.size_bytes,
        split_item_count: of.split_items,
    }
}

fn failure(of: Failure) -> JobFailure {
    JobFailure { reason: of.reason, message: of.message, retryable: of.retryable }
}

#[expect(clippy::cast_precision_loss, reason = "millionths are exact")]
fn share(millionths: i64) -> f64 {
    millionths as f64 / 1e6
}
