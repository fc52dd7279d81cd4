//! One job on its way from activity to activity.

use std::time::Duration;

use hallpass_jobs::{Ended, Failure, Next, Peer, Place, Published, next};
use tokio_util::sync::CancellationToken;

use super::attempt::{self, Attempted};
use super::{LEASE, Runner};
use crate::database::{Claimed, Lease, Save};
use crate::job::{Job, State};

/// So often the database is tried when it does not take what has become of a job; then the lease ends.
const TRIES: u32 = 5;

/// A job that this process has.
pub(super) struct Course<S> {
    pub(super) runner: Runner<S>,
    pub(super) lease: Lease,
    pub(super) job: Job,
    pub(super) stop: CancellationToken,
    was_lost: bool,
}

impl<S: Peer> Course<S> {
    pub(super) fn new(runner: Runner<S>, claimed: Claimed, stop: CancellationToken) -> Self {
        let Claimed { lease, job, was_lost } = claimed;
        Self { runner, lease, job, stop, was_lost }
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
        match attempt::make(self, place.activity, &task).await {
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
            Next::Succeeded => self.end(State::Succeeded, published).await,
            Next::Failed => self.end(State::Failed, None).await,
            Next::Aborted => self.end(State::Aborted, None).await,
        }
    }

    async fn end(&mut self, state: State, published: Option<Published>) -> Option<Place> {
        (self.job.state, self.job.result) = (state, published);
        if state == State::Aborted {
            self.job.failure = None;
        }
        self.job.ended = Some(self.runner.clock.now());
        if self.save(false, Duration::ZERO).await.is_some() {
            tracing::info!(
                job_id = self.job.id.as_str(),
                state = self.job.state.as_str(),
                "a job has ended"
            );
            self.runner.engine.tidy(self.job.id.as_str()).await;
        }
        None
    }

    /// Writes the job down; `None` if it is somebody else's, or the database takes nothing.
    pub(super) async fn save(&mut self, keeps: bool, until: Duration) -> Option<()> {
        for tries in 1..=TRIES {
            let now = self.runner.clock.now();
            self.job.updated = now;
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
