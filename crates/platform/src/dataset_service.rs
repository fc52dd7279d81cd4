//! Platform's `DatasetService`: what users ask, Labeler answers.

use futures_util::StreamExt;
use hallpass_contract::can;
use hallpass_contract::platform::{
    BatchGetDatasetsRequest, BatchGetDatasetsResponse, CheckPermissionRequest,
    CheckPermissionResponse, CreateDatasetRequest, CreateDatasetResponse, DatasetService,
    DeleteDatasetRequest, DeleteDatasetResponse, DownloadDatasetRequest, DownloadDatasetResponse,
    GetDatasetRequest, GetDatasetResponse, ListDatasetsRequest, ListDatasetsResponse,
};
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{Granted, Permit, Seen, Visible};

use crate::error::Error;
use crate::labeler::{LabelerClient, Peer};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct DatasetHandler<S> {
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> DatasetService for DatasetHandler<S> {
    type Error = Error;

    async fn create_dataset(
        &self,
        permit: Permit,
        first: CreateDatasetRequest,
        rest: Incoming<CreateDatasetRequest>,
    ) -> Result<CreateDatasetResponse, Error> {
        let answer = self.labeler.create(&permit, first, rest).await?;
        Ok(CreateDatasetResponse { dataset: answer.dataset })
    }

    async fn get_dataset(
        &self,
        dataset: Granted<can::ReadDataset>,
        _: GetDatasetRequest,
    ) -> Result<GetDatasetResponse, Error> {
        Ok(GetDatasetResponse { dataset: Some(self.labeler.get(&dataset).await?) })
    }

    async fn list_datasets(
        &self,
        datasets: Visible<can::ReadDataset>,
        request: ListDatasetsRequest,
    ) -> Result<Seen<ListDatasetsResponse>, Error> {
        let ListDatasetsRequest { page_size, page_token } = request;
        let seen = self.labeler.list(&datasets, page_size, page_token).await?;
        Ok(seen.map(|page| ListDatasetsResponse {
            datasets: page.datasets,
            next_page_token: page.next_page_token,
        }))
    }

    async fn batch_get_datasets(
        &self,
        datasets: Vec<Granted<can::ReadDataset>>,
        _: BatchGetDatasetsRequest,
    ) -> Result<BatchGetDatasetsResponse, Error> {
        Ok(BatchGetDatasetsResponse { datasets: self.labeler.get_each(&datasets).await? })
    }

    async fn check_permission(
        &self,
        permit: Permit,
        request: CheckPermissionRequest,
    ) -> Result<CheckPermissionResponse, Error> {
        let answer = self.labeler.check(&permit, &request.dataset_id).await?;
        Ok(CheckPermissionResponse { role: answer.role, permissions: answer.permissions })
    }

    async fn download_dataset(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: DownloadDatasetRequest,
    ) -> Result<Reply<DownloadDatasetResponse, Error>, Error> {
        let pieces = self.labeler.download(&dataset, request.path, request.offset).await?;
        Ok(Box::pin(pieces.map(|piece| match piece {
            Ok(piece) => Ok(DownloadDatasetResponse { chunk: piece.chunk }),
            Err(error) => Err(error.into()),
        })))
    }

    async fn delete_dataset(
        &self,
        dataset: Granted<can::DeleteDataset>,
        request: DeleteDatasetRequest,
    ) -> Result<DeleteDatasetResponse, Error> {
        self.labeler.delete(&dataset, request.etag).await?;
        Ok(DeleteDatasetResponse {})
    }
}
