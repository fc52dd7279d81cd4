//! The store of jobs.
//!
//! Invariant: a method that reaches a job takes the proof that its holder may, never a bare id; one that makes a job takes the proof that
//! its holder may read the dataset.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::{Stream, stream};
use hallpass_contract::can;
use hallpass_guard::Clock;
use hallpass_jobs::Trainer;
use hallpass_policy::{Denial, Granted, Permission, Seen, Visible};
use hallpass_store::Space;

use crate::database::{Database, Inserted, NewJob, Printed};
use crate::error::Error;
use crate::ids::{self, JobId};
use crate::job::{Job, Spec, State};
use crate::page::{self, Page, PageKey, PageRequest};
use crate::runner::News;

/// Training jobs and who owns them.
pub(crate) struct Jobs {
    database: Database,
    pages: PageKey,
    clock: Clock,
    trainers: Arc<BTreeMap<String, Trainer>>,
    /// The most jobs of one user that have not ended.
    most: u32,
    /// The space of the disk: a job makes rows and files.
    space: Space,
    news: News,
    aborts: News,
}

/// So many lines are read at once.
const LINES: i64 = 500;
/// The most bytes of lines in one piece.
const PIECE: usize = 64 << 10;

impl Jobs {
    /// The jobs of this database, for these trainers, and so many of one user that have not ended, as long as the disk has room.
    pub(crate) fn new(
        database: Database,
        pages: PageKey,
        clock: Clock,
        (trainers, (most, space)): (Arc<BTreeMap<String, Trainer>>, (u32, Space)),
        (news, aborts): (News, News),
    ) -> Self {
        Self { database, pages, clock, trainers, most, space, news, aborts }
    }

    /// The job that the same request made before, if there is one.
    pub(crate) async fn requested(
        &self,
        dataset: &Granted<can::ReadDataset>,
        spec: &Spec,
    ) -> Result<Option<Job>, Error> {
        let owner = dataset.permit().subject().ok_or(Error::NoUser)?;
        let Some(request) = spec.request() else { return Ok(None) };
        match self.database.requested(owner, request).await? {
            None => Ok(None),
            Some((earlier, job)) if earlier == spec.fingerprint(dataset.id()) => Ok(Some(job)),
            Some(_) => Err(Error::RequestReused),
        }
    }

    /// Stores a job as queued, for the proof's holder and on the proof's dataset; answers an earlier one of the same request.
    pub(crate) async fn create(
        &self,
        dataset: &Granted<can::ReadDataset>,
        dataset_etag: String,
        spec: &Spec,
    ) -> Result<Job, Error> {
        drop(self.space.take(0)?);
        let now = self.clock.now();
        let job = Job {
            id: JobId::from_random(ids::random()?),
            display_name: spec.display_name().to_owned(),
            owner: dataset.permit().subject().ok_or(Error::NoUser)?.to_owned(),
            dataset_id: dataset.id().to_owned(),
            dataset_etag,
            snapshot_id: spec.snapshot_id().to_owned(),
            trainer: self.trainer(spec)?,
            state: State::Queued,
            place: None,
            progress: 0,
            message: String::new(),
            abort_requested: false,
            result: None,
            failure: None,
            etag: ids::etag(ids::random()?),
            created: now,
            updated: now,
            ended: None,
            run: 1,
            traceparent: hallpass_telemetry::current_trace(),
        };
        let request = spec.request().map(|request| (request, spec.fingerprint(dataset.id())));
        match self.database.insert(&NewJob { job: &job, request, most: self.most }).await? {
            Inserted::New => {
                self.news.tell();
                Ok(job)
            }
            Inserted::Already(earlier) => Ok(*earlier),
        }
    }

    /// Whether a job of this wish may change its dataset: it asks no user when it does.
    pub(crate) fn would_write(&self, spec: &Spec) -> Result<bool, Error> {
        Ok(spec.snapshot_id().is_empty() && self.writes(&self.trainer(spec)?))
    }

    /// Whether the jobs of a trainer may change their datasets.
    pub(crate) fn writes(&self, trainer: &str) -> bool {
        self.trainers.get(trainer).is_some_and(Trainer::writes)
    }

    /// The trainers that jobs can be run with, by name.
    pub(crate) fn trainers(&self) -> impl Iterator<Item = (&str, &Trainer)> {
        self.trainers.iter().map(|(name, trainer)| (name.as_str(), trainer))
    }

    /// The name of the trainer that is wished for.
    fn trainer(&self, spec: &Spec) -> Result<String, Error> {
        let mut names = self.trainers.keys();
        let problem = match (spec.trainer(), names.next(), names.next()) {
            ("", Some(only), None) => return Ok(only.clone()),
            ("", ..) => "must name one of the operator's trainers",
            (name, ..) if self.trainers.contains_key(name) => return Ok(name.to_owned()),
            _ => "is not the name of one of the operator's trainers",
        };
        Err(Error::Invalid { field: "job.trainer", problem })
    }

    /// One job.
    pub(crate) async fn get(&self, proof: &Granted<can::ReadJob>) -> Result<Job, Error> {
        let found = match JobId::parse(proof.id()) {
            Some(id) => self.database.job(&id).await?,
            None => None,
        };
        found.ok_or_else(|| gone(proof))
    }

    /// One page of the jobs that the proof's holder may read, newest first.
    pub(crate) async fn list(
        &self,
        visible: &Visible<can::ReadJob>,
        (state, dataset): (Option<State>, &str),
        page: PageRequest,
    ) -> Result<Seen<Page>, Error> {
        let filter = (state.map_or("", State::as_str), dataset);
        visible.look(|subject| self.page(subject, filter, page)).await
    }

    /// Asks for a job's end.
    pub(crate) async fn abort(&self, proof: &Granted<can::AbortJob>) -> Result<Job, Error> {
        let aborted = match JobId::parse(proof.id()) {
            Some(id) => self.database.abort(&id, self.clock.now()).await?,
            None => None,
        };
        self.news.tell();
        self.aborts.tell();
        aborted.ok_or_else(|| gone(proof))
    }

    /// The job that is to be run again, as it is.
    pub(crate) async fn to_retry(&self, proof: &Granted<can::RetryJob>) -> Result<Job, Error> {
        let found = match JobId::parse(proof.id()) {
            Some(id) => self.database.job(&id).await?,
            None => None,
        };
        found.ok_or_else(|| gone(proof))
    }

    /// Queues a job again, on its dataset as it is now.
    pub(crate) async fn retry(
        &self,
        proof: &Granted<can::RetryJob>,
        dataset_etag: &str,
    ) -> Result<Job, Error> {
        drop(self.space.take(0)?);
        let queued = match JobId::parse(proof.id()) {
            Some(id) => self.database.retry(&id, dataset_etag, self.clock.now(), self.most).await?,
            None => None,
        };
        self.news.tell();
        queued.ok_or_else(|| gone(proof))
    }

    /// The job whenever it has another etag than the last that was told, until it has ended.
    pub(crate) fn watch(
        self: Arc<Self>,
        proof: Granted<can::ReadJob>,
        known: String,
    ) -> impl Stream<Item = Result<Job, Error>> + Send {
        let news = self.news.listen();
        stream::try_unfold((self, proof, known, news, false), async |state| {
            let (jobs, proof, known, mut news, has_ended) = state;
            if has_ended {
                return Ok(None);
            }
            loop {
                let job = jobs.get(&proof).await?;
                let has_ended = job.state.is_end();
                if job.etag != known {
                    let known = job.etag.clone();
                    return Ok(Some((job, (jobs, proof, known, news, has_ended))));
                }
                if has_ended {
                    return Ok(None);
                }
                jobs.news.heard_by(&mut news).await;
            }
        })
    }

    /// What a job's trainer prints, from behind this line on, until the job has ended.
    pub(crate) fn lines(
        self: Arc<Self>,
        proof: Granted<can::ReadJob>,
        after: u64,
    ) -> impl Stream<Item = Result<Vec<Printed>, Error>> + Send {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let news = self.news.listen();
        stream::try_unfold((self, proof, after, news), async |(jobs, proof, after, mut news)| {
            loop {
                // Asked first: what was printed before the end is there then.
                let job = jobs.get(&proof).await?;
                let printed = one_piece(jobs.database.printed(&job.id, after, LINES).await?);
                if let Some(last) = printed.last() {
                    let after = last.number;
                    return Ok(Some((printed, (jobs, proof, after, news))));
                }
                if job.state.is_end() {
                    return Ok(None);
                }
                jobs.news.heard_by(&mut news).await;
            }
        })
    }

    async fn page(
        &self,
        subject: &str,
        filter: (&str, &str),
        page: PageRequest,
    ) -> Result<Page, Error> {
        let list = (subject, filter.0, filter.1);
        let before = page::position(&self.pages, list, &page.token)?;
        let mut listed = self.database.owned(subject, filter, before, page.size + 1).await?;
        let more = listed.len() > page.size as usize;
        listed.truncate(page.size as usize);
        let next_page_token = match listed.last() {
            Some(job) if more => page::seal(&self.pages, list, job.number)?,
            _ => String::new(),
        };
        Ok(Page { jobs: listed.into_iter().map(|listed| listed.job).collect(), next_page_token })
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The first lines, as many as make a piece, and one at least.
fn one_piece(mut printed: Vec<Printed>) -> Vec<Printed> {
    let mut bytes = 0;
    let fit = printed.iter().take_while(|line| {
        bytes += line.line.len();
        bytes <= PIECE
    });
    let fit = fit.count().max(1);
    printed.truncate(fit);
    printed
}

/// The job went away after the check: the answer is what the check would say now.
fn gone<P: Permission>(proof: &Granted<P>) -> Error {
    let denial = Denial::ObjectRefused { kind: P::KIND, permission: P::NAME };
    Error::Gone(proof.permit().refuse(denial))
}
