//! Starts a workflow for each job that is queued, and tells workflows of aborts.
//!
//! Invariant: the table of jobs is the outbox: a job stays in it until its workflow has been started, and a workflow is started once for
//! each time that its job was queued, however often this process dies in between.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use hallpass_platform::{HandoverError, Offer};
use hallpass_telemetry::ServiceTelemetry;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::search_attributes::SearchAttributes;
use tokio_util::sync::CancellationToken;

use crate::jobs::Jobs;
use crate::trace;
use crate::workflow::{JOB_ID, JOB_STATE, TrainingJob};

/// How long to wait before Temporal, or the database, is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Brings jobs from the database to Temporal.
pub(crate) struct Dispatcher {
    pub(crate) jobs: Arc<dyn Jobs>,
    pub(crate) client: Client,
    pub(crate) task_queue: String,
    pub(crate) has_attributes: bool,
    pub(crate) telemetry: ServiceTelemetry,
}

/// Why there is a pause.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the jobs cannot be reached: {0}")]
    Jobs(#[from] HandoverError),
    #[error("Temporal: {0}")]
    Start(#[from] WorkflowStartError),
    #[error("Temporal: {0}")]
    Interaction(#[from] WorkflowInteractionError),
}

impl Dispatcher {
    /// Goes on until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut told = HashSet::new();
        while !stop.is_cancelled() {
            let pause = match self.round(&mut told).await {
                Ok(()) => Duration::ZERO,
                Err(trouble) => {
                    tracing::warn!(%trouble, "jobs are not brought to Temporal for a moment");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = async { tokio::time::sleep(pause).await; self.jobs.wait().await } => {}
            }
        }
    }

    async fn round(&self, told: &mut HashSet<String>) -> Result<(), Trouble> {
        while let Some(offer) = self.jobs.offer().await? {
            self.start(offer).await?;
        }
        let aborting = self.jobs.aborting().await?;
        told.retain(|work| aborting.iter().any(|of| of.work == *work));
        for job in aborting {
            if told.insert(job.work.clone()) {
                self.abort(&job.work).await.inspect_err(|_| {
                    told.remove(&job.work);
                })?;
            }
            self.jobs.told(&job).await?;
        }
        Ok(())
    }

    async fn start(&self, offer: Offer) -> Result<(), Trouble> {
        let attributes = [
            ("hallpass.job_id", offer.job_id.clone()),
            ("temporal.workflow_id", offer.work.clone()),
        ];
        let work = self.telemetry.work("workflow".to_owned(), &offer.trace, &attributes);
        let search =
            [JOB_ID.value_set(offer.job_id.clone()), JOB_STATE.value_set("queued".to_owned())];
        let search = self.has_attributes.then(|| SearchAttributes::new(search));
        let options = WorkflowStartOptions::new(&self.task_queue, &offer.work)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .maybe_search_attributes(search)
            .maybe_header(trace::header(&work.traceparent()))
            .build();
        let started = self.client.start_workflow(TrainingJob::run, offer.job_id.clone(), options);
        match work.within(started).await {
            Err(WorkflowStartError::AlreadyStarted { .. })
                if !self.is_running(&offer.work).await? =>
            {
                self.jobs.lapsed(offer).await;
                return Ok(());
            }
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.jobs.accepted(&offer).await?)
    }

    async fn is_running(&self, work: &str) -> Result<bool, Trouble> {
        let workflow = self.client.get_workflow_handle::<TrainingJob>(work);
        let description = workflow.describe(WorkflowDescribeOptions::default()).await?;
        Ok(matches!(
            description.status(),
            WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused
        ))
    }

    async fn abort(&self, work: &str) -> Result<(), Trouble> {
        let workflow = self.client.get_workflow_handle::<TrainingJob>(work);
        let options = WorkflowSignalOptions::default();
        match workflow.signal(TrainingJob::abort, (), options).await {
            // It has ended by itself, or was never started.
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
