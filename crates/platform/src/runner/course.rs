//! One job on its way from activity to activity.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use hallpass_jobs::{Ended, Failure, Next, Peer, Place, Published, next};
use hallpass_telemetry::Work;
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Attempted};
use super::{LEASE, Runner};
use crate::database::{Claimed, Lease, Save};
use crate::job::{Job, State};

/// So often the database is tried when it does not take what has become of a job; then the lease ends.
const TRIES: u32 = 5;

/// A job that this process has.
pub(crate) struct Course<S> {
    pub(super) runner: Runner<S>,
    pub(super) lease: Lease,
    pub(super) job: Job,
    pub(super) stop: CancellationToken,
    was_lost: bool,
    /// The trace that the attempts continue.
    trace: String,
}

/// What came of one attempt that another engine has asked for.
#[derive(Debug)]
pub(crate) enum Stepped {
    /// This follows, after a pause; with the reason if the attempt has failed.
    Next(Place, Duration, Option<String>),
    /// The job has ended; with the reason if it has failed.
    Ended(State, Option<String>),
    /// The job is no longer this attempt's, or the process stops.
    Interrupted,
}

impl<S: Peer> Course<S> {
    pub(crate) fn new(runner: Runner<S>, claimed: Claimed, stop: CancellationToken) -> Self {
        let Claimed { lease, job, was_lost } = claimed;
        let trace = job.traceparent.clone();
        Self { runner, lease, job, stop, was_lost, trace }
    }

    /// Makes one attempt that another engine asks for, in this trace if it names one.
    pub(crate) async fn step(mut self, place: Place, trace: &str) -> Stepped {
        if !trace.is_empty() {
            trace.clone_into(&mut self.trace);
        }
        if self.was_lost {
            self.job.failure = Some(Failure::lost());
        }
        // The other engine counts the attempts that end without a word, too.
        let is_one_too_many = place.attempt > self.runner.retries.most;
        let attempted = if is_one_too_many {
            Some((Ended::Failed(false), None))
        } else {
            self.attempt(place).await
        };
        let Some((ended, published)) = attempted else { return Stepped::Interrupted };
        match next(place, ended, self.job.abort_requested, &self.runner.retries) {
            Next::Run(following, pause) => {
                self.job.place = Some(following);
                self.job.progress = 0;
                if self.save(false, pause).await.is_none() {
                    return Stepped::Interrupted;
                }
                if self.job.state.is_end() {
                    return Stepped::Ended(self.job.state, self.reason());
                }
                Stepped::Next(following, pause, self.reason())
            }
            Next::Succeeded => self.ended(State::Succeeded, published).await,
            Next::Failed => self.ended(State::Failed, None).await,
            Next::Aborted => self.ended(State::Aborted, None).await,
        }
    }

    /// Ends the job as another engine asks for, which lost its way to it.
    pub(crate) async fn give_up(mut self, is_aborted: bool) -> Stepped {
        if is_aborted {
            return self.ended(State::Aborted, None).await;
        }
        self.job.failure.get_or_insert_with(Failure::lost);
        self.ended(State::Failed, None).await
    }

    async fn ended(&mut self, state: State, published: Option<Published>) -> Stepped {
        if self.end(state, published).await {
            return Stepped::Ended(self.job.state, self.reason());
        }
        Stepped::Interrupted
    }

    fn reason(&self) -> Option<String> {
        self.job.failure.as_ref().map(|failure| failure.reason.clone())
    }

    /// Goes on until the job has ended, waits, or is somebody else's.
    pub(super) async fn run(mut self) {
        let mut place = self.job.place.unwrap_or(Place::FIRST);
        if self.was_lost && self.job.place.is_some() {
            self.job.failure = Some(Failure::lost());
            match self.after(place, Ended::Failed(true), None).await {
                Some(following) => place = following,
                None => return,
            }
        }
        loop {
            let Some((ended, published)) = self.attempt(place).await else { return };
            match self.after(place, ended, published).await {
                Some(following) => place = following,
                None => return,
            }
        }
    }

    /// Makes one attempt; `None` if the job is no longer this worker's, or the process stops.
    async fn attempt(&mut self, place: Place) -> Option<(Ended, Option<Published>)> {
        let (engine, task) = (self.runner.engine.clone(), self.job.task());
        self.job.place = Some(place);
        (self.job.progress, self.job.message) = (0, String::new());
        self.save(true, LEASE).await?;
        if self.job.abort_requested {
            return Some((Ended::Failed(true), None));
        }
        if !engine.is_prepared(place.activity, &task) {
            return Some((Ended::Unprepared, None));
        }
        let work = self.work(place);
        let made = AssertUnwindSafe(work.within(attempt::make(self, place.activity, &task)));
        // Nothing of the attempt is used again: the next one begins anew.
        match made.catch_unwind().await.unwrap_or_else(|_| Attempted::Failed(Failure::panicked())) {
            Attempted::Done(published) => {
                self.job.failure = None;
                Some((Ended::Done, published))
            }
            Attempted::Failed(failure) => {
                tracing::info!(
                    job_id = task.job_id,
                    activity = place.activity.as_str(),
                    attempt = place.attempt,
                    reason = failure.reason,
                    cause = failure.message,
                    "an activity of a job failed"
                );
                work.failed(&failure.reason);
                let ended = Ended::Failed(failure.retryable);
                self.job.failure = Some(failure);
                Some((ended, None))
            }
            Attempted::Stopped => {
                // The attempt does not count: the next start makes it again.
                self.save(false, Duration::ZERO).await;
                None
            }
            Attempted::Lost => None,
        }
    }

    /// The attempt as the trace shows it.
    fn work(&self, place: Place) -> Work {
        let attributes = [
            ("hallpass.job_id", self.job.id.as_str().to_owned()),
            ("hallpass.attempt", place.attempt.to_string()),
        ];
        let name = format!("job {}", place.activity.as_str());
        self.runner.telemetry.work(name, &self.trace, &attributes)
    }

    /// What follows at once, if anything does.
    async fn after(
        &mut self,
        place: Place,
        ended: Ended,
        published: Option<Published>,
    ) -> Option<Place> {
        match next(place, ended, self.job.abort_requested, &self.runner.retries) {
            Next::Run(following, Duration::ZERO) => Some(following),
            Next::Run(following, pause) => {
                self.job.place = Some(following);
                self.job.progress = 0;
                self.save(false, pause).await;
                None
            }
            Next::Succeeded => self.end(State::Succeeded, published).await.then_some(None)?,
            Next::Failed => self.end(State::Failed, None).await.then_some(None)?,
            Next::Aborted => self.end(State::Aborted, None).await.then_some(None)?,
        }
    }

    /// Whether its end is written down.
    async fn end(&mut self, state: State, published: Option<Published>) -> bool {
        (self.job.state, self.job.result) = (state, published);
        if state == State::Aborted {
            self.job.failure = None;
        }
        self.job.ended = Some(self.runner.clock.now());
        if self.save(false, Duration::ZERO).await.is_none() {
            return false;
        }
        let (job_id, state) = (self.job.id.as_str(), self.job.state.as_str());
        tracing::info!(job_id, state, "a job has ended");
        self.runner.engine.tidy(job_id).await;
        true
    }

    /// Writes the job down; `None` if it is somebody else's, or the database takes nothing.
    pub(super) async fn save(&mut self, keeps: bool, until: Duration) -> Option<()> {
        for tries in 1..=TRIES {
            let now = self.runner.clock.now();
            self.job.updated = now;
            // What is lent is looked after before it is lent again.
            let is_lent = !self.lease.home.is_empty();
            let until = if is_lent { until.max(LEASE) } else { until };
            let save = Save { lease: &self.lease, keeps, until: now.plus(until), job: &self.job };
            match self.runner.database.save(&save).await {
                Ok(Some(job)) => {
                    self.job = job;
                    self.runner.news.tell();
                    return Some(());
                }
                Ok(None) => return None,
                Err(error) => tracing::warn!(%error, tries, "a job cannot be written down"),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        None
    }
}
