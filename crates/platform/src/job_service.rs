//! Platform's `JobService`: decodes, asks the store, encodes.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hallpass_contract::labeler::{CheckPermissionRequest, GetDatasetRequest, GetSnapshotRequest};
use hallpass_contract::platform::{
    self, AbortJobRequest, AbortJobResponse, CreateJobRequest, CreateJobResponse,
    DownloadArtifactRequest, DownloadArtifactResponse, GetJobRequest, GetJobResponse, JobState,
    ListJobsRequest, ListJobsResponse, ListTrainersRequest, ListTrainersResponse, RetryJobRequest,
    RetryJobResponse, StreamJobLogsRequest, StreamJobLogsResponse, WatchJobRequest,
    WatchJobResponse,
};
use hallpass_contract::{can, storage};
use hallpass_guard::on_behalf;
use hallpass_jobs::Artifacts;
use hallpass_policy::adapter::Reply;
use hallpass_policy::{Denial, Granted, Permission as _, Permit, Seen, Visible};

use crate::artifact::Download;
use crate::error::Error;
use crate::job::{Spec, State};
use crate::job_wire::timestamp;
use crate::jobs::Jobs;
use crate::labeler::{Asked, LabelerClient, LabelerError, Peer, answered};
use crate::page;

/// What a token needs to read a dataset, or to have a job read it.
const READ_SCOPE: &str = "datasets:read";
/// The same for changing it.
const WRITE_SCOPE: &str = "datasets:write";

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct JobHandler<S> {
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) labeler: LabelerClient<S>,
    pub(crate) artifacts: Artifacts,
}

impl<S: Peer> platform::JobService for JobHandler<S> {
    type Error = Error;

    async fn create_job(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: CreateJobRequest,
    ) -> Result<CreateJobResponse, Error> {
        let spec = Spec::new(request.job.unwrap_or_default(), &request.request_id)?;
        if let Some(earlier) = self.jobs.requested(&dataset, &spec).await? {
            return Ok(CreateJobResponse { job: Some(earlier.into()) });
        }
        demand(dataset.permit(), READ_SCOPE)?;
        if self.jobs.would_write(&spec)? {
            self.check_writing(dataset.permit(), dataset.id()).await?;
        }
        let found = self.labeler.get(&dataset).await?;
        self.check_snapshot(&dataset, spec.snapshot_id()).await?;
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
        let state = wanted(request.state)?;
        let page = page::request(request.page_size, request.page_token)?;
        let seen = self.jobs.list(&jobs, (state, &request.dataset_id), page).await?;
        Ok(seen.map(|page| ListJobsResponse {
            jobs: page.jobs.into_iter().map(Into::into).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn list_trainers(
        &self,
        _: Permit,
        _: ListTrainersRequest,
    ) -> Result<ListTrainersResponse, Error> {
        let usual = self.jobs.trainers().count() == 1;
        let told = |(name, trainer): (&str, &hallpass_jobs::Trainer)| platform::Trainer {
            name: name.to_owned(),
            time_limit_seconds: trainer.time_limit.as_secs(),
            scopes: trainer.scopes.clone(),
            usual,
        };
        Ok(ListTrainersResponse { trainers: self.jobs.trainers().map(told).collect() })
    }

    async fn watch_job(
        &self,
        job: Granted<can::ReadJob>,
        request: WatchJobRequest,
    ) -> Result<Reply<WatchJobResponse, Error>, Error> {
        let changes = Arc::clone(&self.jobs).watch(job, request.etag);
        Ok(Box::pin(changes.map_ok(|job| WatchJobResponse { job: Some(job.into()) })))
    }

    async fn abort_job(
        &self,
        job: Granted<can::AbortJob>,
        _: AbortJobRequest,
    ) -> Result<AbortJobResponse, Error> {
        Ok(AbortJobResponse { job: Some(self.jobs.abort(&job).await?.into()) })
    }

    async fn retry_job(
        &self,
        job: Granted<can::RetryJob>,
        _: RetryJobRequest,
    ) -> Result<RetryJobResponse, Error> {
        let etag = self.readable(&job).await?;
        Ok(RetryJobResponse { job: Some(self.jobs.retry(&job, &etag).await?.into()) })
    }

    async fn stream_job_logs(
        &self,
        job: Granted<can::ReadJob>,
        request: StreamJobLogsRequest,
    ) -> Result<Reply<StreamJobLogsResponse, Error>, Error> {
        let printed = Arc::clone(&self.jobs).lines(job, request.after);
        let lines = printed.map_ok(|lines| stream::iter(lines).map(Ok)).try_flatten();
        Ok(Box::pin(lines.map_ok(|printed| StreamJobLogsResponse {
            number: printed.number.cast_unsigned(),
            line: printed.line,
            time: Some(timestamp(printed.at)),
        })))
    }

    async fn download_artifact(
        &self,
        job: Granted<can::ReadJob>,
        request: DownloadArtifactRequest,
    ) -> Result<Reply<DownloadArtifactResponse, Error>, Error> {
        let job = self.jobs.get(&job).await?;
        if job.result.is_none() {
            return Err(Error::NoResult(job.state.as_str()));
        }
        let pieces = Download::begin(self.artifacts.clone(), job.id.as_str(), &request).await?;
        Ok(Box::pin(pieces.stream()))
    }
}

impl<S: Peer> JobHandler<S> {
    /// Whether the caller may read the snapshot, and it is one of the dataset.
    async fn check_snapshot(
        &self,
        dataset: &Granted<can::ReadDataset>,
        snapshot_id: &str,
    ) -> Result<(), Error> {
        if snapshot_id.is_empty() {
            return Ok(());
        }
        let request = GetSnapshotRequest { snapshot_id: snapshot_id.to_owned() };
        let call = on_behalf(dataset.permit(), request);
        let asked = Asked::by(dataset.permit(), can::ReadSnapshot::NAME);
        let found = answered(&asked, self.labeler.snapshots().get_snapshot(call).await)?.snapshot;
        match found {
            Some(snapshot) if snapshot.dataset_id == dataset.id() => Ok(()),
            _ => Err(Error::Invalid {
                field: "job.snapshot_id",
                problem: "must be a snapshot of the dataset",
            }),
        }
    }

    /// A job that will change the dataset needs what its user would need to change it: the job's own tokens ask nobody.
    async fn check_writing(&self, permit: &Permit, dataset_id: &str) -> Result<(), Error> {
        demand(permit, WRITE_SCOPE)?;
        let dataset_id = dataset_id.to_owned();
        let object = CheckPermissionRequest { dataset_id, ..CheckPermissionRequest::default() };
        let answer = self.labeler.check(permit, object).await?;
        let permission = can::WriteDataset::NAME;
        let denial = if answer.permissions.iter().any(|held| held == permission) {
            storage::check_writing(permit, &answer.bucket).err()
        } else {
            Some(Denial::ObjectRefused { kind: can::WriteDataset::KIND, permission })
        };
        match denial {
            None => Ok(()),
            Some(denial) => Err(LabelerError::Refused(permit.refuse(denial)).into()),
        }
    }

    /// The etag of a job's dataset, which the caller must be allowed to read still: the job's own tokens ask nobody.
    async fn readable(&self, job: &Granted<can::RetryJob>) -> Result<String, Error> {
        let kept = self.jobs.to_retry(job).await?;
        demand(job.permit(), READ_SCOPE)?;
        if kept.snapshot_id.is_empty() && self.jobs.writes(&kept.trainer) {
            self.check_writing(job.permit(), &kept.dataset_id).await?;
        }
        let dataset_id = kept.dataset_id.clone();
        let object = CheckPermissionRequest { dataset_id, ..CheckPermissionRequest::default() };
        let answer = self.labeler.check(job.permit(), object).await?;
        let permit = job.permit().clone().within_bucket(&answer.bucket);
        // Who may do nothing to the dataset learns from the next answer no more than that.
        if !answer.bucket.is_empty() {
            storage::check(&permit, &answer.bucket)
                .map_err(|denial| LabelerError::Refused(permit.refuse(denial)))?;
        }
        let call = on_behalf(&permit, GetDatasetRequest { dataset_id: kept.dataset_id });
        let asked = Asked::by(&permit, can::ReadDataset::NAME);
        let found = answered(&asked, self.labeler.datasets().get_dataset(call).await)?.dataset;
        Ok(found.ok_or(LabelerError::Empty("GetDataset"))?.etag)
    }
}

/// A job does with its dataset what its user's token lets them do there themselves.
fn demand(permit: &Permit, scope: &'static str) -> Result<(), Error> {
    if permit.has_scope(scope) {
        return Ok(());
    }
    Err(LabelerError::Refused(permit.refuse(Denial::ScopeMissing(scope))).into())
}

/// The state that a list is limited to.
fn wanted(state: i32) -> Result<Option<State>, Error> {
    let problem = "must be a known state";
    let state = JobState::try_from(state);
    match state.map_err(|_| Error::Invalid { field: "state", problem })? {
        JobState::Unspecified => Ok(None),
        JobState::Queued => Ok(Some(State::Queued)),
        JobState::Running => Ok(Some(State::Running)),
        JobState::Succeeded => Ok(Some(State::Succeeded)),
        JobState::Failed => Ok(Some(State::Failed)),
        JobState::Aborted => Ok(Some(State::Aborted)),
    }
}
