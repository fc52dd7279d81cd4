//! Platform's `JobService`: decodes, asks the store, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::platform::{
    self, CreateJobRequest, CreateJobResponse, GetJobRequest, GetJobResponse, JobState,
    ListJobsRequest, ListJobsResponse,
};
use hallpass_policy::{Granted, Seen, Visible};
use prost_types::Timestamp;

use crate::error::Error;
use crate::job::{Job, Spec, State};
use crate::jobs::Jobs;
use crate::labeler::{LabelerClient, Peer};
use crate::page;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct JobHandler<S> {
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> platform::JobService for JobHandler<S> {
    type Error = Error;

    async fn create_job(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: CreateJobRequest,
    ) -> Result<CreateJobResponse, Error> {
        let name = request.job.unwrap_or_default().display_name;
        let spec = Spec::new(name, &request.request_id)?;
        if let Some(earlier) = self.jobs.requested(&dataset, &spec).await? {
            return Ok(CreateJobResponse { job: Some(earlier.into()) });
        }
        let found = self.labeler.get(&dataset).await?;
        let job = self.jobs.create(&dataset, found.etag, &spec).await?;
        Ok(CreateJobResponse { job: Some(job.into()) })
    }

    async fn get_job(
        &self,
        job: Granted<can::ReadJob>,
        _: GetJobRequest,
    ) -> Result<GetJobResponse, Error> {
        Ok(GetJobResponse { job: Some(self.jobs.get(&job).await?.into()) })
    }

    async fn list_jobs(
        &self,
        jobs: Visible<can::ReadJob>,
        request: ListJobsRequest,
    ) -> Result<Seen<ListJobsResponse>, Error> {
        let page = page::request(request.page_size, request.page_token)?;
        let seen = self.jobs.list(&jobs, page).await?;
        Ok(seen.map(|page| ListJobsResponse {
            jobs: page.jobs.into_iter().map(Into::into).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}

impl From<Job> for platform::Job {
    fn from(job: Job) -> Self {
        let seconds = job.created.as_secs().cast_signed();
        Self {
            job_id: job.id.as_str().to_owned(),
            display_name: job.display_name,
            owner: job.owner,
            dataset_id: job.dataset_id,
            dataset_etag: job.dataset_etag,
            state: JobState::from(job.state).into(),
            etag: job.etag,
            create_time: Some(Timestamp { seconds, nanos: 0 }),
        }
    }
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
        }
    }
}
