//! The handlers: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::can::{DeleteDataset, ReadDataset};
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

use crate::datasets::{Begun, Datasets};
use crate::error::Error;
use crate::page;
use crate::wire;

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
        let page = page::request(request.page_size, request.page_token)?;
        let seen = self.0.list(&datasets, page).await?;
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
        match request.dataset_id.len() {
            0 => Err(Error::invalid("dataset_id", "must not be empty")),
            1..=256 => Ok(wire::permissions(self.0.role(&permit, &request.dataset_id).await?)),
            _ => Err(Error::invalid("dataset_id", "is too long")),
        }
    }

    async fn update_dataset(
        &self,
        _: Granted<can::WriteDataset>,
        _: UpdateDatasetRequest,
    ) -> Result<UpdateDatasetResponse, Error> {
        Err(Error::NotServed)
    }

    async fn get_download_url(
        &self,
        _: Granted<can::ReadDataset>,
        _: GetDownloadUrlRequest,
    ) -> Result<GetDownloadUrlResponse, Error> {
        Err(Error::NotServed)
    }

    async fn download_dataset(
        &self,
        dataset: Granted<ReadDataset>,
        request: DownloadDatasetRequest,
    ) -> Result<Reply<DownloadDatasetResponse, Error>, Error> {
        let download = match (request.path.as_str(), request.offset) {
            ("", 0) => self.0.download(&dataset)?,
            ("", _) => return Err(Error::invalid("offset", "needs a path")),
            (path, offset) => self.0.download_file(&dataset, path, offset).await?,
        };
        Ok(Box::pin(download.pieces().map(|piece| piece.map(wire::downloaded))))
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
