//! Jobs that another engine runs, such as Temporal: it is told which, and asks for one attempt after the other.
//!
//! Invariant: what becomes of a job is written down by the same code as the embedded runner's, each job is run by one engine at a
//! time, and the other engine learns of a job its id, its trace and stable words: no token, no name, no dataset.

use std::time::Duration;

use hallpass_jobs::{Activity, Failure, Peer, Place};
use tokio_util::sync::CancellationToken;

use crate::database::{Aborting, Claimed, Lent, Taken, work};
use crate::error::Error;
use crate::ids::JobId;
use crate::runner::{Course, LEASE, Runner, Stepped, heard};

/// How long the other engine may be silent about a job.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Lends jobs and makes attempts. Clones share everything.
#[derive(Debug, Clone)]
pub struct Handover<S> {
    pub(crate) runner: Runner<S>,
}

/// The jobs cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HandoverError(String);

impl From<Error> for HandoverError {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// A job that the other engine is to run. It is offered again when nothing was heard of it.
#[derive(Debug)]
pub struct Offer {
    /// The job.
    pub job_id: String,
    /// What the other engine is to call it: the same for the same wish, another one when the job is tried again by its owner.
    pub work: String,
    /// The trace to continue; empty for none.
    pub trace: String,
    /// Whether it was offered before.
    pub again: bool,
    lent: Lent,
}

/// A lent job whose abort its owner has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the other engine calls it.
    pub work: String,
    number: i64,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This activity follows.
    Next(Activity),
    /// The same again, after a pause: the attempt has failed for this reason.
    Again(String, Duration),
    /// The job has ended: `succeeded`, `failed` or `aborted`, and for which reason.
    Ended(&'static str, Option<String>),
    /// The attempt ended early: its process stops, or a newer attempt has the job.
    Interrupted,
    /// The job is none of this work's.
    Gone,
}

impl<S: Peer> Handover<S> {
    /// The next job that the other engine is to run, once there is one.
    pub async fn offer(&self) -> Result<Option<Offer>, HandoverError> {
        let now = self.runner.clock.now();
        let lent =
            self.runner.database.lend((now, now.plus(LEASE)), self.runner.dispatched).await?;
        Ok(lent.map(|lent| Offer {
            job_id: lent.job.id.as_str().to_owned(),
            work: work(&lent.job),
            trace: lent.job.traceparent.clone(),
            again: lent.again,
            lent,
        }))
    }

    /// The other engine has the work: it is asked about it again in a minute, should nothing be heard meanwhile.
    pub async fn accepted(&self, offer: &Offer) -> Result<(), HandoverError> {
        let until = self.runner.clock.now().plus(ASK_AGAIN);
        // An attempt may have the job already.
        Ok(self.runner.database.renew(&offer.lent.lease, until).await.map(drop)?)
    }

    /// Returns when there may be something to do.
    pub async fn wait(&self) {
        heard(&mut self.runner.news.listen()).await;
    }

    /// The other engine has ended the work without a word about the job: the job has failed.
    pub async fn lapsed(&self, offer: Offer) {
        let Lent { lease, mut job, .. } = offer.lent;
        let said = "the workflow was ended from outside; right: retry the job";
        job.failure = Some(Failure::lasting("WORKFLOW_ENDED", said));
        let claimed = Claimed { lease, job, was_lost: false };
        Course::new(self.runner.clone(), claimed, CancellationToken::new()).give_up(false).await;
    }

    /// The lent jobs whose abort was asked for.
    pub async fn aborting(&self) -> Result<Vec<Told>, HandoverError> {
        let aborting = self.runner.database.aborting().await?;
        Ok(aborting.into_iter().map(|Aborting { number, work }| Told { work, number }).collect())
    }

    /// The other engine knows of the abort.
    pub async fn told(&self, told: &Told) -> Result<(), HandoverError> {
        Ok(self.runner.database.forget(told.number).await?)
    }

    /// Makes an attempt, until `stop`.
    pub async fn attempt(
        &self,
        (job_id, work): (&str, &str),
        place: Place,
        trace: &str,
        stop: &CancellationToken,
    ) -> Result<Step, HandoverError> {
        let course = match self.take(job_id, work, stop).await? {
            Ok(course) => course,
            Err(known) => return Ok(known),
        };
        Ok(match course.step(place, trace).await {
            Stepped::Next(Place { activity, .. }, pause, Some(reason))
                if activity == place.activity =>
            {
                Step::Again(reason, pause)
            }
            Stepped::Next(Place { activity, .. }, ..) => Step::Next(activity),
            Stepped::Ended(state, reason) => Step::Ended(state.as_str(), reason),
            Stepped::Interrupted => Step::Interrupted,
        })
    }

    /// Sees to it that the job has ended: as aborted, or as failed.
    pub async fn give_up(
        &self,
        (job_id, work): (&str, &str),
        is_aborted: bool,
    ) -> Result<Step, HandoverError> {
        let course = match self.take(job_id, work, &CancellationToken::new()).await? {
            Ok(course) => course,
            Err(known) => return Ok(known),
        };
        Ok(match course.give_up(is_aborted).await {
            Stepped::Ended(state, reason) => Step::Ended(state.as_str(), reason),
            Stepped::Next(..) | Stepped::Interrupted => Step::Interrupted,
        })
    }

    async fn take(
        &self,
        job_id: &str,
        work: &str,
        stop: &CancellationToken,
    ) -> Result<Result<Course<S>, Step>, HandoverError> {
        let Some(id) = JobId::parse(job_id) else { return Ok(Err(Step::Gone)) };
        let now = self.runner.clock.now();
        let taken = self.runner.database.take(&id, work, (now, now.plus(LEASE))).await?;
        Ok(match taken {
            Taken::Ours(claimed) => Ok(Course::new(self.runner.clone(), *claimed, stop.clone())),
            Taken::Ended(state) => Err(Step::Ended(state.as_str(), None)),
            Taken::Others => Err(Step::Gone),
        })
    }
}
