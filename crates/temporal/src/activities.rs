//! The activities as Temporal calls them: each makes one attempt by the code of the embedded runner.
//!
//! Invariant: Temporal is told the next activity's name or a stable reason, and nothing else; heartbeats hold nothing.

use std::sync::Arc;
use std::time::Duration;

use hallpass_jobs::{Activity, Place};
use hallpass_platform::{HandoverError, Step};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::trace;

/// How often Temporal hears of an attempt. It may hear less often: the SDK spares it what comes too soon.
const BEAT: Duration = Duration::from_secs(1);

/// What the activities work with.
pub(crate) struct JobActivities {
    pub(crate) jobs: Arc<dyn Jobs>,
    /// When the process stops.
    pub(crate) stop: CancellationToken,
}

#[activities]
impl JobActivities {
    /// Looks whether the dataset can be trained on.
    #[activity]
    pub(crate) async fn validate(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        self.attempt(&ctx, &job_id, Activity::Validate).await
    }

    /// Brings the files.
    #[activity]
    pub(crate) async fn fetch(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        self.attempt(&ctx, &job_id, Activity::Fetch).await
    }

    /// Runs the trainer.
    #[activity]
    pub(crate) async fn train(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        self.attempt(&ctx, &job_id, Activity::Train).await
    }

    /// Keeps what the trainer made.
    #[activity]
    pub(crate) async fn publish(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        self.attempt(&ctx, &job_id, Activity::Publish).await
    }

    /// Ends a job as aborted whose workflow was told to abort it.
    #[activity]
    pub(crate) async fn abort(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        answer(self.jobs.give_up((&job_id, work(&ctx)), true).await)
    }

    /// Ends a job as failed whose attempts did not say how they ended.
    #[activity]
    pub(crate) async fn fail(
        self: Arc<Self>,
        ctx: ActivityContext,
        job_id: String,
    ) -> Result<String, ActivityError> {
        answer(self.jobs.give_up((&job_id, work(&ctx)), false).await)
    }
}

impl JobActivities {
    async fn attempt(
        &self,
        ctx: &ActivityContext,
        job_id: &str,
        activity: Activity,
    ) -> Result<String, ActivityError> {
        let stop = self.stop.child_token();
        let place = Place { activity, attempt: ctx.info().attempt };
        let trace = trace::of(ctx.headers());
        let mut attempt = self.jobs.attempt((job_id, work(ctx)), place, &trace, &stop);
        let mut beats = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                made = &mut attempt => return answer(made),
                () = ctx.cancelled(), if !stop.is_cancelled() => stop.cancel(),
                // A heartbeat that is not sent is missed by Temporal, which then makes another attempt.
                _ = beats.tick() => drop(ctx.record_heartbeat(()).await),
            }
        }
    }
}

/// The workflow's id is the work's name.
fn work(ctx: &ActivityContext) -> &str {
    ctx.info().workflow_id.as_deref().unwrap_or_default()
}

fn answer(step: Result<Step, HandoverError>) -> Result<String, ActivityError> {
    match step {
        Ok(Step::Next(activity)) => Ok(activity.as_str().to_owned()),
        Ok(Step::Ended("failed", reason)) => {
            Err(failure(&reason.unwrap_or_else(|| "FAILED".to_owned()), None))
        }
        Ok(Step::Ended(state, _)) => Ok(state.to_owned()),
        Ok(Step::Again(reason, pause)) => Err(failure(&reason, Some(pause))),
        Ok(Step::Interrupted) => Err(failure("INTERRUPTED", Some(Duration::from_millis(100)))),
        Ok(Step::Gone) => Err(failure("NOT_THIS_WORKFLOWS", None)),
        Err(error) => {
            tracing::warn!(%error, "an attempt cannot reach the jobs");
            Err(failure("JOBS_UNAVAILABLE", Some(Duration::from_secs(1))))
        }
    }
}

/// Tried again after a pause if there is one.
fn failure(reason: &str, pause: Option<Duration>) -> ActivityError {
    let failure = ApplicationFailure::builder(reason.to_owned())
        .type_name(reason.to_owned())
        .non_retryable(pause.is_none())
        .maybe_next_retry_delay(pause)
        .build();
    failure.into()
}
