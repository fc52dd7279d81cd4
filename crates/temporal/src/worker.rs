//! The worker: polls Temporal for workflows and activities, and brings it the jobs that are queued.
//!
//! Invariant: only what is wrong with its own settings ends it; a Temporal that is absent, or goes away, is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hallpass_jobs::Peer;
use hallpass_platform::Handover;
use hallpass_telemetry::ServiceTelemetry;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::activities::JobActivities;
use crate::connection::{Connected, Settings, connect};
use crate::dispatch::Dispatcher;
use crate::jobs::Jobs;
use crate::trace;
use crate::waiting::Waiting;
use crate::workflow::TrainingJob;

/// How long attempts may take to give their jobs back when the process stops.
const GIVE_BACK: Duration = Duration::from_secs(10);
/// Workflows at once; they take no time of their own.
const WORKFLOWS: usize = 100;
/// How often Temporal is asked whether it is still there.
const ASK_EVERY: Duration = Duration::from_secs(2);

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

/// A worker for these jobs.
pub struct JobWorker {
    settings: Settings,
    target: Url,
    jobs: Arc<dyn Jobs>,
    telemetry: ServiceTelemetry,
    stop: CancellationToken,
    is_answered: Arc<AtomicBool>,
}

impl JobWorker {
    /// Works for these jobs until told to stop. Temporal need not be there.
    pub fn new<S: Peer>(
        settings: Settings,
        handover: Handover<S>,
        telemetry: ServiceTelemetry,
        stop: CancellationToken,
    ) -> Result<Self, WorkerError> {
        let target = Url::parse(&settings.address)
            .map_err(|error| WorkerError::Address(settings.address.clone(), error.to_string()))?;
        let (jobs, is_answered) = (Arc::new(handover), Arc::new(AtomicBool::new(false)));
        Ok(Self { settings, target, jobs, telemetry, stop, is_answered })
    }

    /// Tells whether Temporal answers, without which no job goes on.
    pub fn ready(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let is_answered = Arc::clone(&self.is_answered);
        move || is_answered.load(Ordering::Relaxed)
    }

    /// Works until told to stop. Attempts under way are ended then; Temporal makes them again elsewhere, or after the next start.
    pub async fn run(self) -> Result<(), WorkerError> {
        let runtime = Runtime::from_current_tokio(RuntimeOptions::default());
        let runtime = runtime.map_err(|error| WorkerError::broken(&error))?;
        let mut waiting = Waiting::default();
        loop {
            let connected = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                connected = connect(&self.settings, &self.target) => connected,
            };
            let ended = match connected {
                Ok(connected) => self.work(&runtime, connected).await,
                Err(error) => Err(error),
            };
            self.is_answered.store(false, Ordering::Relaxed);
            if self.stop.is_cancelled() {
                return ended;
            }
            let (pause, is_said) = waiting.again(Instant::now());
            if let (Err(error), true) = (ended, is_said) {
                tracing::warn!(%error, "jobs wait, and Temporal is asked again");
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn work(&self, runtime: &Runtime, connected: Connected) -> Result<(), WorkerError> {
        let (jobs, stop) = (Arc::clone(&self.jobs), self.stop.clone());
        let options = options(&self.settings, JobActivities { jobs, stop: stop.clone() })?;
        let worker = Worker::new(runtime, connected.client.clone(), options);
        let mut worker = worker.map_err(|error| WorkerError::broken(&error))?;
        let dispatcher = Dispatcher {
            jobs: Arc::clone(&self.jobs),
            client: connected.client.clone(),
            task_queue: self.settings.task_queue.clone(),
            has_attributes: connected.has_attributes,
            telemetry: self.telemetry.clone(),
        };
        let end = worker.shutdown_handle();
        let ending = async {
            stop.cancelled().await;
            end();
            std::future::pending().await
        };
        let dispatching = async {
            dispatcher.run(stop.clone()).await;
            // The worker ends when it is told to, too, and has more to do until then.
            std::future::pending().await
        };
        tracing::info!(address = self.settings.address, "jobs are run on Temporal");
        tokio::select! {
            ran = worker.run() => ran.map_err(|error| WorkerError::broken(&error)),
            never = ending => never,
            never = dispatching => never,
            never = self.watch(&connected) => never,
        }
    }

    /// Keeps an eye on Temporal. What the worker asks of it is asked again by itself.
    async fn watch(&self, connected: &Connected) -> Result<(), WorkerError> {
        let mut every = tokio::time::interval(ASK_EVERY);
        loop {
            every.tick().await;
            let answer = connected.answers().await;
            let was = self.is_answered.swap(answer.is_ok(), Ordering::Relaxed);
            match answer {
                Err(error) if was => tracing::warn!(%error, "jobs wait until Temporal answers"),
                Ok(()) if !was => tracing::info!("Temporal answers"),
                _ => {}
            }
        }
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
