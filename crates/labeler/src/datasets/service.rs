//! The handlers: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can::{DeleteDataset, ReadDataset, WriteDataset};
use hallpass_contract::labeler::{
    BatchGetDatasetsRequest, BatchGetDatasetsResponse, CheckPermissionRequest,
    CheckPermissionResponse, CreateDatasetRequest, CreateDatasetResponse, DatasetService,
    DeleteDatasetRequest, DeleteDatasetResponse, DownloadDatasetRequest, DownloadDatasetResponse,
    GetDatasetRequest, GetDatasetResponse, GetDownloadUrlRequest, GetDownloadUrlResponse,
    ListDatasetsRequest, ListDatasetsResponse, UpdateDatasetRequest, UpdateDatasetResponse,
};
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{Granted, Permit, Seen, Visible};
use tokio_stream::StreamExt;

use crate::datasets::list::Asked;
use crate::datasets::store::{Begun, Datasets};
use crate::datasets::wire;
use crate::download::Wanted;
use crate::error::Error;
use crate::snapshots::wire::{download_url, downloaded};

/// The handlers of `DatasetService`.
#[derive(Debug, Clone)]
pub(crate) struct Handlers(Arc<Datasets>);

impl Handlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl DatasetService for Handlers {
    type Error = Error;

    async fn create_dataset(
        &self,
        permit: Permit,
        first: CreateDatasetRequest,
        rest: Incoming<CreateDatasetRequest>,
    ) -> Result<CreateDatasetResponse, Error> {
        let spec = wire::start(first)?;
        let dataset = match self.0.create(&permit, spec).await? {
            Begun::Already(dataset) => *dataset,
            Begun::Upload(upload) => upload.store(rest.map(wire::piece)).await?,
        };
        Ok(CreateDatasetResponse { dataset: Some(wire::dataset(dataset)) })
    }

    async fn get_dataset(
        &self,
        dataset: Granted<ReadDataset>,
        _: GetDatasetRequest,
    ) -> Result<GetDatasetResponse, Error> {
        let found = self.0.get(&dataset).await?;
        Ok(GetDatasetResponse { dataset: Some(wire::dataset(found)) })
    }

    async fn list_datasets(
        &self,
        datasets: Visible<ReadDataset>,
        request: ListDatasetsRequest,
    ) -> Result<Seen<ListDatasetsResponse>, Error> {
        let seen = self.0.list(&datasets, Asked::parse(request)?).await?;
        Ok(seen.map(|page| ListDatasetsResponse {
            datasets: page.datasets.into_iter().map(wire::dataset).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn batch_get_datasets(
        &self,
        datasets: Vec<Granted<ReadDataset>>,
        _: BatchGetDatasetsRequest,
    ) -> Result<BatchGetDatasetsResponse, Error> {
        let found = self.0.get_each(&datasets).await?;
        Ok(BatchGetDatasetsResponse { datasets: found.into_iter().map(wire::dataset).collect() })
    }

    async fn check_permission(
        &self,
        permit: Permit,
        request: CheckPermissionRequest,
    ) -> Result<CheckPermissionResponse, Error> {
        let (kind, id) = wire::object(&request)?;
        let held = self.0.role(&permit, kind, id).await?;
        Ok(wire::permissions(kind, held, self.0.settings.bucket()))
    }

    async fn update_dataset(
        &self,
        dataset: Granted<WriteDataset>,
        request: UpdateDatasetRequest,
    ) -> Result<UpdateDatasetResponse, Error> {
        let etag = request.etag.clone();
        let (name, description) = wire::texts(request)?;
        let (name, description) = (name.as_deref(), description.as_deref());
        let updated = self.0.update(&dataset, name, description, &etag).await?;
        Ok(UpdateDatasetResponse { dataset: Some(wire::dataset(updated)) })
    }

    async fn get_download_url(
        &self,
        dataset: Granted<ReadDataset>,
        request: GetDownloadUrlRequest,
    ) -> Result<GetDownloadUrlResponse, Error> {
        self.0.download_url(&dataset, &request.path).await.map(download_url)
    }

    async fn download_dataset(
        &self,
        dataset: Granted<ReadDataset>,
        request: DownloadDatasetRequest,
    ) -> Result<Reply<DownloadDatasetResponse, Error>, Error> {
        let wanted = Wanted::parse(request.path, request.offset, request.onwards)?;
        let download = self.0.download(&dataset, wanted).await?;
        Ok(Box::pin(download.pieces().map(|piece| piece.map(downloaded))))
    }

    async fn delete_dataset(
        &self,
        dataset: Granted<DeleteDataset>,
        request: DeleteDatasetRequest,
    ) -> Result<DeleteDatasetResponse, Error> {
        self.0.delete(&dataset, &request.etag).await?;
        Ok(DeleteDatasetResponse {})
    }
}
