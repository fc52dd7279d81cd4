//! The store of jobs.
//!
//! Invariant: a method that reaches a job takes the proof that its holder may, never a bare id; one that makes a job takes the proof that
//! its holder may read the dataset.

use std::fmt;

use hallpass_contract::can;
use hallpass_guard::Clock;
use hallpass_policy::{Denial, Granted, Permission, Refusal, Seen, Visible};

use crate::database::{Database, Inserted, NewJob};
use crate::error::Error;
use crate::ids::{self, JobId};
use crate::job::{Job, Spec, State};
use crate::page::{self, Page, PageKey, PageRequest};

/// Training jobs and who owns them.
pub(crate) struct Jobs {
    database: Database,
    pages: PageKey,
    clock: Clock,
}

impl Jobs {
    /// The jobs of this database.
    pub(crate) const fn new(database: Database, pages: PageKey, clock: Clock) -> Self {
        Self { database, pages, clock }
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
        let job = Job {
            id: JobId::from_random(ids::random()?),
            display_name: spec.display_name().to_owned(),
            owner: dataset.permit().subject().ok_or(Error::NoUser)?.to_owned(),
            dataset_id: dataset.id().to_owned(),
            dataset_etag,
            state: State::Queued,
            etag: ids::etag(ids::random()?),
            created: self.clock.now(),
        };
        let request = spec.request().map(|request| (request, spec.fingerprint(dataset.id())));
        match self.database.insert(&NewJob { job: &job, request }).await? {
            Inserted::New => Ok(job),
            Inserted::Already(earlier) => Ok(earlier),
        }
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
        page: PageRequest,
    ) -> Result<Seen<Page>, Error> {
        visible.look(|subject| self.page(subject, page)).await
    }

    async fn page(&self, subject: &str, page: PageRequest) -> Result<Page, Error> {
        let before = page::position(&self.pages, subject, &page.token)?;
        let mut listed = self.database.owned(subject, before, page.size + 1).await?;
        let more = listed.len() > page.size as usize;
        listed.truncate(page.size as usize);
        let next_page_token = match listed.last() {
            Some(last) if more => page::seal(&self.pages, subject, last.number)?,
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

/// The job went away after the check: the answer is what the check would say now.
fn gone<P: Permission>(proof: &Granted<P>) -> Error {
    let denial = Denial::ObjectRefused { kind: P::KIND, permission: P::NAME };
    Error::Gone(Refusal { denial, decision: proof.permit().decision() })
}
