//! A Labeler that answers as a test tells it to, and tells the test what it saw.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use hallpass_contract::can;
use hallpass_contract::labeler::{
    BatchGetDatasetsRequest, BatchGetDatasetsResponse, CheckPermissionRequest,
    CheckPermissionResponse, CreateDatasetRequest, CreateDatasetResponse, Dataset, DatasetService,
    DeleteDatasetRequest, DeleteDatasetResponse, DownloadDatasetRequest, DownloadDatasetResponse,
    FileChunk, GetDatasetRequest, GetDatasetResponse, GetDownloadUrlRequest,
    GetDownloadUrlResponse, ListDatasetsRequest, ListDatasetsResponse, Role, UpdateDatasetRequest,
    UpdateDatasetResponse, create_dataset_request::Part,
};
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{Granted, ObjectPolicy, Permit, Seen, Unknown, Verdict, Visible};
use hallpass_token::Fingerprint;
use tokio::sync::mpsc;
use tonic::Status;

use super::stock::Stock;

/// What the fake saw of an upload or a download.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Started(String),
    Chunk(String),
    Ended,
    BrokenOff,
}

/// Where the datasets of the fake lie.
pub(super) const BUCKET: &str = "datasets";

/// The fake. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Fake(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The owner of each dataset.
    datasets: Mutex<HashMap<String, String>>,
    /// What to answer to everything but `CheckPermission`, if not the truth.
    script: Mutex<Option<Status>>,
    events: Mutex<Option<mpsc::UnboundedSender<Event>>>,
    pieces: Mutex<Option<mpsc::Receiver<Result<&'static str, Status>>>>,
    stock: Stock,
    /// The tokens of workers, each with its job.
    workers: Mutex<Vec<Worker>>,
}

/// A worker's token, and the job that it names.
pub(super) type Worker = (Fingerprint, Option<String>);

impl Fake {
    pub(super) fn add(&self, dataset: &str, owner: &str) {
        self.0.datasets.lock().unwrap().insert(dataset.to_owned(), owner.to_owned());
    }

    /// From now on this is the answer.
    pub(super) fn answer_with(&self, status: Status) {
        *self.0.script.lock().unwrap() = Some(status);
    }

    /// What it sees from now on.
    pub(super) fn watch(&self) -> mpsc::UnboundedReceiver<Event> {
        let (tell, events) = mpsc::unbounded_channel();
        *self.0.events.lock().unwrap() = Some(tell);
        events
    }

    /// The next download sends what comes here, as it comes.
    pub(super) fn pieces(&self) -> mpsc::Sender<Result<&'static str, Status>> {
        let (send, pieces) = mpsc::channel(1);
        *self.0.pieces.lock().unwrap() = Some(pieces);
        send
    }

    /// The files that downloads send.
    pub(super) fn stock(&self) -> &Stock {
        &self.0.stock
    }

    /// The tokens with which workers have come.
    pub(super) fn workers(&self) -> Vec<Worker> {
        self.0.workers.lock().unwrap().clone()
    }

    /// A worker may reach the object that its token names.
    fn is_bound(&self, permit: &Permit, id: &str) -> bool {
        let Some(token) = permit.token().filter(|_| permit.subject().is_none()) else {
            return false;
        };
        let worker = (token.fingerprint(), permit.job_id().map(str::to_owned));
        let mut workers = self.0.workers.lock().unwrap();
        if !workers.contains(&worker) {
            workers.push(worker);
        }
        let is_for_it = token.claims().resource.as_ref().is_some_and(|resource| resource.id == id);
        is_for_it && permit.job_owner().is_some() && self.owned(id, permit.job_owner())
    }

    fn saw(&self, event: Event) {
        if let Some(tell) = &*self.0.events.lock().unwrap() {
            tell.send(event).unwrap();
        }
    }

    pub(super) fn scripted(&self) -> Result<(), Status> {
        self.0.script.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn owned(&self, id: &str, subject: Option<&str>) -> bool {
        self.0.datasets.lock().unwrap().get(id).map(String::as_str) == subject
    }
}

fn dataset(id: &str) -> Dataset {
    Dataset { dataset_id: id.to_owned(), etag: format!("etag of {id}"), ..Dataset::default() }
}

impl ObjectPolicy for Fake {
    async fn check(
        &self,
        permit: &Permit,
        _: &'static str,
        _: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        let owned = self.is_bound(permit, id) || self.owned(id, permit.subject());
        Ok(if owned { Verdict::Granted } else { Verdict::Refused })
    }
}

impl DatasetService for Fake {
    type Error = Status;

    async fn create_dataset(
        &self,
        _: Permit,
        first: CreateDatasetRequest,
        mut rest: Incoming<CreateDatasetRequest>,
    ) -> Result<CreateDatasetResponse, Status> {
        let name = match first.part {
            Some(Part::Start(start)) => start.dataset.unwrap_or_default().display_name,
            Some(Part::Chunk(_)) | None => return Err(Status::invalid_argument("no start")),
        };
        self.saw(Event::Started(name));
        // A handler whose call is reset is dropped: whatever happens before the stream's end is a break.
        let broken = Broken(Some(self.clone()));
        self.scripted()?;
        while let Some(part) = rest.next().await {
            match part?.part {
                Some(Part::Chunk(chunk)) => self.saw(Event::Chunk(chunk.path)),
                Some(Part::Start(_)) | None => return Err(Status::invalid_argument("no chunk")),
            }
        }
        broken.ended();
        Ok(CreateDatasetResponse { dataset: Some(dataset("ds_new")) })
    }

    async fn get_dataset(
        &self,
        proof: Granted<can::ReadDataset>,
        _: GetDatasetRequest,
    ) -> Result<GetDatasetResponse, Status> {
        self.scripted()?;
        let (file_count, size_bytes) = self.0.stock.size();
        let dataset = Dataset { file_count, size_bytes, ..dataset(proof.id()) };
        Ok(GetDatasetResponse { dataset: Some(dataset) })
    }

    async fn list_datasets(
        &self,
        datasets: Visible<can::ReadDataset>,
        request: ListDatasetsRequest,
    ) -> Result<Seen<ListDatasetsResponse>, Status> {
        self.scripted()?;
        let found = datasets.look(|subject| async move {
            let all = self.0.datasets.lock().unwrap();
            let owned = all.iter().filter(|(_, owner)| *owner == subject);
            Ok::<_, Status>(owned.map(|(id, _)| dataset(id)).collect::<Vec<_>>())
        });
        Ok(found.await?.map(|datasets| ListDatasetsResponse {
            datasets,
            next_page_token: format!("{} after {}", request.page_size, request.page_token),
        }))
    }

    async fn batch_get_datasets(
        &self,
        proofs: Vec<Granted<can::ReadDataset>>,
        _: BatchGetDatasetsRequest,
    ) -> Result<BatchGetDatasetsResponse, Status> {
        self.scripted()?;
        let datasets = proofs.iter().map(|proof| dataset(proof.id())).collect();
        Ok(BatchGetDatasetsResponse { datasets })
    }

    async fn check_permission(
        &self,
        permit: Permit,
        request: CheckPermissionRequest,
    ) -> Result<CheckPermissionResponse, Status> {
        if !self.owned(&request.dataset_id, permit.subject()) {
            return Ok(CheckPermissionResponse::default());
        }
        let permissions = ["read", "write", "delete", "share"].map(str::to_owned).into();
        let bucket = BUCKET.to_owned();
        Ok(CheckPermissionResponse { role: Role::Owner.into(), permissions, bucket })
    }

    async fn update_dataset(
        &self,
        _: Granted<can::WriteDataset>,
        _: UpdateDatasetRequest,
    ) -> Result<UpdateDatasetResponse, Status> {
        self.scripted()?;
        Ok(UpdateDatasetResponse::default())
    }

    async fn get_download_url(
        &self,
        _: Granted<can::ReadDataset>,
        _: GetDownloadUrlRequest,
    ) -> Result<GetDownloadUrlResponse, Status> {
        self.scripted()?;
        Ok(GetDownloadUrlResponse::default())
    }

    async fn download_dataset(
        &self,
        _: Granted<can::ReadDataset>,
        request: DownloadDatasetRequest,
    ) -> Result<Reply<DownloadDatasetResponse, Status>, Status> {
        self.scripted()?;
        if let Some(sent) = self.0.stock.send(&request) {
            return Ok(sent);
        }
        let pieces = self.0.pieces.lock().unwrap().take();
        let broken = Broken(Some(self.clone()));
        let sent = stream::unfold((pieces, broken), |(mut pieces, broken)| async move {
            if let Some(piece) = pieces.as_mut()?.recv().await {
                return Some((piece, (pieces, broken)));
            }
            broken.ended();
            None
        });
        Ok(Box::pin(sent.map(|piece| {
            let chunk = FileChunk { path: piece?.to_owned(), ..FileChunk::default() };
            Ok(DownloadDatasetResponse { chunk: Some(chunk), file: None })
        })))
    }

    async fn delete_dataset(
        &self,
        proof: Granted<can::DeleteDataset>,
        request: DeleteDatasetRequest,
    ) -> Result<DeleteDatasetResponse, Status> {
        self.scripted()?;
        if !request.etag.is_empty() && request.etag != dataset(proof.id()).etag {
            return Err(Status::aborted("another etag"));
        }
        self.0.datasets.lock().unwrap().remove(proof.id());
        Ok(DeleteDatasetResponse {})
    }
}

/// Tells of a break unless it is told of an end.
struct Broken(Option<Fake>);

impl Broken {
    fn ended(mut self) {
        if let Some(fake) = self.0.take() {
            fake.saw(Event::Ended);
        }
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        if let Some(fake) = self.0.take() {
            fake.saw(Event::BrokenOff);
        }
    }
}
