//! The workflow that a job is.
//!
//! Invariant: it is deterministic: it calls the activity that the last one has named, and decides nothing itself but that a job that
//! is moved to and fro comes to an end.

use std::time::Duration;

use hallpass_jobs::Activity;
use temporalio_common::RetryPolicy;
use temporalio_common::error::ApplicationFailure;
use temporalio_common::search_attributes::SearchAttributeKey;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, SyncWorkflowContext, WorkflowCancellationToken,
    WorkflowContext, WorkflowContextView, WorkflowResult,
};
use temporalio_workflow::ActivityCancellationType;

use crate::activities::JobActivities;

/// The job's id, by which its workflow is found.
pub(crate) const JOB_ID: SearchAttributeKey<String> = SearchAttributeKey::keyword("HallpassJobId");
/// How far the job is: the activity under way, or how it ended.
pub(crate) const JOB_STATE: SearchAttributeKey<String> =
    SearchAttributeKey::keyword("HallpassJobState");

/// A worker that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(10);
/// Trainers have a time limit of their own, which only the worker knows.
const LONGEST: Duration = Duration::from_hours(24 * 90);
/// So many activities are called for one job.
const MOST: u32 = 40;

/// A training job.
#[workflow]
#[derive(Default)]
pub(crate) struct TrainingJob {
    at: String,
    is_aborting: bool,
    abort: WorkflowCancellationToken,
}

#[workflow_methods]
impl TrainingJob {
    /// Runs the job to its end, and answers how it ended.
    #[run]
    pub(crate) async fn run(
        ctx: &mut WorkflowContext<Self>,
        job_id: String,
    ) -> WorkflowResult<String> {
        let mut activity = Activity::Validate;
        for _ in 0..MOST {
            reached(ctx, activity.as_str());
            let named = match attempt(ctx, activity, &job_id).await {
                Ok(named) => named,
                Err(error) => return Self::failed(ctx, job_id, &error).await,
            };
            match Activity::from_stored(&named) {
                Some(following) => activity = following,
                None => return Ok(ended(ctx, named)),
            }
        }
        let ended_as = give_up(ctx, &job_id).await?;
        Ok(ended(ctx, ended_as))
    }

    /// Ends the job as soon as what is under way has ended.
    #[signal]
    pub(crate) fn abort(&mut self, _: &mut SyncWorkflowContext<Self>, (): ()) {
        self.is_aborting = true;
        self.abort.cancel();
    }

    /// How far the job is.
    #[query]
    pub(crate) fn state(&self, _: &WorkflowContextView) -> String {
        self.at.clone()
    }

    /// An activity that failed for good has ended the job, unless it could not.
    async fn failed(
        ctx: &mut WorkflowContext<Self>,
        job_id: String,
        error: &ActivityExecutionError,
    ) -> WorkflowResult<String> {
        let reason = reason(error);
        if let Ok(state) = give_up(ctx, &job_id).await {
            return Ok(ended(ctx, state));
        }
        reached(ctx, "failed");
        let failure = ApplicationFailure::builder(reason.clone()).type_name(reason);
        Err(failure.non_retryable(true).build().into())
    }
}

fn ended(ctx: &mut WorkflowContext<TrainingJob>, state: String) -> String {
    reached(ctx, &state);
    state
}

fn reached(ctx: &mut WorkflowContext<TrainingJob>, state: &str) {
    ctx.state_mut(|job| state.clone_into(&mut job.at));
    // A namespace without them starts workflows without them.
    if ctx.search_attributes().contains_key(&JOB_ID) {
        ctx.upsert_search_attributes([JOB_STATE.value_set(state.to_owned())]);
    }
}

async fn attempt(
    ctx: &WorkflowContext<TrainingJob>,
    activity: Activity,
    job_id: &str,
) -> Result<String, ActivityExecutionError> {
    let (job_id, token) = (job_id.to_owned(), ctx.state(|job| job.abort.clone()));
    let options = ActivityOptions::with_start_to_close_timeout(LONGEST)
        .heartbeat_timeout(SILENCE)
        .retry_policy(retried())
        // The trainer has ended before the job has.
        .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
        .cancellation_token(token)
        .build();
    match activity {
        Activity::Validate => ctx.execute_activity(JobActivities::validate, job_id, options).await,
        Activity::Fetch => ctx.execute_activity(JobActivities::fetch, job_id, options).await,
        Activity::Train => ctx.execute_activity(JobActivities::train, job_id, options).await,
        Activity::Publish => ctx.execute_activity(JobActivities::publish, job_id, options).await,
    }
}

/// Sees to it that the job has ended.
async fn give_up(
    ctx: &WorkflowContext<TrainingJob>,
    job_id: &str,
) -> Result<String, ActivityExecutionError> {
    let (job_id, is_aborting) = (job_id.to_owned(), ctx.state(|job| job.is_aborting));
    let options = ActivityOptions::with_start_to_close_timeout(SILENCE)
        .retry_policy(retried())
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    if is_aborting {
        return ctx.execute_activity(JobActivities::abort, job_id, options).await;
    }
    ctx.execute_activity(JobActivities::fail, job_id, options).await
}

/// How often, and after which pause, the worker says; here stands what holds when it cannot.
fn retried() -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(Duration::from_secs(1))
        .maximum_interval(Duration::from_mins(1))
        .build()
}

fn reason(error: &ActivityExecutionError) -> String {
    let info = error.reason().and_then(|cause| cause.failure().maybe_application_failure());
    info.map_or_else(|| "FAILED".to_owned(), |info| info.r#type.clone())
}
