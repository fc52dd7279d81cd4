//! The worker: polls Temporal for workflows and activities, and brings it the jobs that are queued.

use std::sync::Arc;
use std::time::Duration;

use hallpass_jobs::Peer;
use hallpass_platform::Handover;
use hallpass_telemetry::ServiceTelemetry;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio_util::sync::CancellationToken;

use crate::activities::JobActivities;
use crate::connection::{Settings, connect};
use crate::dispatch::Dispatcher;
use crate::jobs::Jobs;
use crate::trace;
use crate::workflow::TrainingJob;

/// How long attempts may take to give their jobs back when the process stops.
const GIVE_BACK: Duration = Duration::from_secs(10);
/// Workflows at once; they take no time of their own.
const WORKFLOWS: usize = 100;

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The address is none.
    #[error("temporal.address: {0:?} is no URL: {1}; right: such as http://127.0.0.1:7233")]
    Address(String, String),
    /// Temporal does not answer.
    #[error("Temporal at {0} does not answer: {1}")]
    Unreachable(String, String),
    /// The worker cannot be made, or has broken down.
    #[error("the worker for Temporal: {0}")]
    Broken(String),
}

impl WorkerError {
    fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A worker that is connected.
pub struct JobWorker {
    worker: Worker,
    dispatcher: Dispatcher,
    stop: CancellationToken,
    /// Workers do not outlive it.
    _runtime: Runtime,
}

impl JobWorker {
    /// Connects to Temporal for these jobs, until told to stop.
    pub async fn connect<S: Peer>(
        settings: &Settings,
        handover: Handover<S>,
        telemetry: ServiceTelemetry,
        stop: CancellationToken,
    ) -> Result<Self, WorkerError> {
        let (client, has_attributes) = connect(settings).await?;
        let jobs: Arc<dyn Jobs> = Arc::new(handover);
        let runtime = Runtime::from_current_tokio(RuntimeOptions::default());
        let runtime = runtime.map_err(|error| WorkerError::broken(&error))?;
        let activities = JobActivities { jobs: Arc::clone(&jobs), stop: stop.clone() };
        let worker = Worker::new(&runtime, client.clone(), options(settings, activities)?);
        let worker = worker.map_err(|error| WorkerError::broken(&error))?;
        let task_queue = settings.task_queue.clone();
        let dispatcher = Dispatcher { jobs, client, task_queue, has_attributes, telemetry };
        Ok(Self { worker, dispatcher, stop, _runtime: runtime })
    }

    /// Works until told to stop. Attempts under way are ended then; Temporal makes them again elsewhere, or after the next start.
    pub async fn run(mut self) -> Result<(), WorkerError> {
        let (end, stop) = (self.worker.shutdown_handle(), self.stop.clone());
        let ending = tokio::spawn(async move {
            stop.cancelled().await;
            end();
        });
        let dispatching = async {
            self.dispatcher.run(self.stop).await;
            // The worker ends when it is told to, too, and has more to do until then.
            std::future::pending().await
        };
        let ran = tokio::select! {
            ran = self.worker.run() => ran,
            never = dispatching => never,
        };
        ending.abort();
        ran.map_err(|error| WorkerError::broken(&error))
    }
}

fn options(settings: &Settings, activities: JobActivities) -> Result<WorkerOptions, WorkerError> {
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(WORKFLOWS))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(settings.concurrency.max(1)))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build();
    let options = WorkerOptions::new(&settings.task_queue)
        .workflow_interceptor(trace::interceptor())
        .register_activities(activities)
        .register_workflow::<TrainingJob>()
        .map_err(|error| WorkerError::broken(&error))?;
    Ok(options.tuner(tuner).graceful_shutdown_period(GIVE_BACK).build())
}
