//! Platform's `DatasetService`: what users ask, Labeler answers.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    BatchGetDatasetsRequest, BatchGetDatasetsResponse, CheckPermissionRequest,
    CheckPermissionResponse, CreateDatasetRequest, CreateDatasetResponse, DeleteDatasetRequest,
    DeleteDatasetResponse, DownloadDatasetRequest, DownloadDatasetResponse, GetDatasetRequest,
    GetDatasetResponse, GetDownloadUrlRequest, GetDownloadUrlResponse, ListDatasetsRequest,
    ListDatasetsResponse, UpdateDatasetRequest, UpdateDatasetResponse,
};
use hallpass_contract::platform::DatasetService;
use hallpass_guard::on_behalf;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{Granted, Permit, Seen, Visible};

use crate::error::Error;
use crate::labeler::{
    Asked, LabelerClient, LabelerError, Peer, answered, download, relay, relayed,
};

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
        LabelerClient::<S>::may_store(&permit)?;
        let (parts, broken_off) = relay(first, rest);
        let mut client = self.labeler.datasets();
        let call = client.create_dataset(on_behalf(&permit, parts));
        relayed(Asked::by(&permit, "write"), call, broken_off).await
    }

    async fn get_dataset(
        &self,
        dataset: Granted<can::ReadDataset>,
        _: GetDatasetRequest,
    ) -> Result<GetDatasetResponse, Error> {
        let request = GetDatasetRequest { dataset_id: dataset.id().to_owned() };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.datasets().get_dataset(call).await)
    }

    async fn list_datasets(
        &self,
        datasets: Visible<can::ReadDataset>,
        request: ListDatasetsRequest,
    ) -> Result<Seen<ListDatasetsResponse>, Error> {
        // The permit is the subject: Labeler selects by the token that is minted from it.
        datasets
            .look(|_| async {
                let call = on_behalf(datasets.permit(), request);
                answered(
                    &Asked::by(datasets.permit(), "read"),
                    self.labeler.datasets().list_datasets(call).await,
                )
            })
            .await
    }

    async fn batch_get_datasets(
        &self,
        datasets: Vec<Granted<can::ReadDataset>>,
        _: BatchGetDatasetsRequest,
    ) -> Result<BatchGetDatasetsResponse, Error> {
        // The adapter has seen to it that there is one.
        let first = datasets.first().ok_or(LabelerError::Empty("the adapter"))?;
        let dataset_ids = datasets.iter().map(|dataset| dataset.id().to_owned()).collect();
        let call = on_behalf(first.permit(), BatchGetDatasetsRequest { dataset_ids });
        answered(&Asked::with(first), self.labeler.datasets().batch_get_datasets(call).await)
    }

    async fn update_dataset(
        &self,
        dataset: Granted<can::WriteDataset>,
        request: UpdateDatasetRequest,
    ) -> Result<UpdateDatasetResponse, Error> {
        let request = UpdateDatasetRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.datasets().update_dataset(call).await)
    }

    async fn check_permission(
        &self,
        permit: Permit,
        request: CheckPermissionRequest,
    ) -> Result<CheckPermissionResponse, Error> {
        let call = on_behalf(&permit, request);
        answered(&Asked::by(&permit, "read"), self.labeler.datasets().check_permission(call).await)
    }

    async fn download_dataset(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: DownloadDatasetRequest,
    ) -> Result<Reply<DownloadDatasetResponse, Error>, Error> {
        let request = DownloadDatasetRequest { dataset_id: dataset.id().to_owned(), ..request };
        let (labeler, permit) = (self.labeler.clone(), dataset.permit().clone());
        download(Asked::with(&dataset), request, move |request| {
            let (mut client, call) = (labeler.datasets(), on_behalf(&permit, request));
            Box::pin(async move { client.download_dataset(call).await })
        })
        .await
    }

    async fn get_download_url(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: GetDownloadUrlRequest,
    ) -> Result<GetDownloadUrlResponse, Error> {
        let request = GetDownloadUrlRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.datasets().get_download_url(call).await)
    }

    async fn delete_dataset(
        &self,
        dataset: Granted<can::DeleteDataset>,
        request: DeleteDatasetRequest,
    ) -> Result<DeleteDatasetResponse, Error> {
        let request = DeleteDatasetRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.datasets().delete_dataset(call).await)
    }
}
