//! Calls Labeler. Each method takes the proof or the permit of the call that is served, and asks for no more than that allows.

use futures_util::StreamExt;
use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::{
    BatchGetDatasetsRequest, CheckPermissionRequest, CheckPermissionResponse,
    CreateDatasetResponse, Dataset, DeleteDatasetRequest, DownloadDatasetRequest,
    DownloadDatasetResponse, GetDatasetRequest, ListDatasetsRequest, ListDatasetsResponse,
};
use hallpass_contract::{can, platform};
use hallpass_guard::on_behalf;
use hallpass_policy::adapter::{Incoming, Reply};
use hallpass_policy::{Granted, Permission, Permit, Seen, Visible};
use tonic::Status;

use super::answer::{Asked, LabelerError};
use super::peer::Peer;
use super::upload;
use crate::error::Error;

/// Labeler, as Platform's handlers see it. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct LabelerClient<S>(DatasetServiceClient<S>);

impl<S: Peer> LabelerClient<S> {
    /// Over a channel that puts tokens on its calls.
    pub(crate) fn new(peer: S) -> Self {
        Self(DatasetServiceClient::new(peer))
    }

    /// Passes an upload on, piece by piece. Either side's error ends both.
    pub(crate) async fn create(
        &self,
        permit: &Permit,
        first: platform::CreateDatasetRequest,
        rest: Incoming<platform::CreateDatasetRequest>,
    ) -> Result<CreateDatasetResponse, Error> {
        let (parts, broken_off) = upload::relay(first, rest);
        let mut client = self.0.clone();
        let call = client.create_dataset(on_behalf(permit, parts));
        tokio::select! {
            biased;
            // Leaving drops the call, and with it Labeler's half of the upload.
            Ok(status) = broken_off => Err(Error::BrokenOff(status)),
            answer = call => match answer {
                Ok(answer) => Ok(answer.into_inner()),
                Err(status) => Err(asked(permit, "write").understand(&status).into()),
            },
        }
    }

    /// One dataset.
    pub(crate) async fn get(
        &self,
        dataset: &Granted<can::ReadDataset>,
    ) -> Result<Dataset, LabelerError> {
        let request = GetDatasetRequest { dataset_id: dataset.id().to_owned() };
        let answer = self.0.clone().get_dataset(on_behalf(dataset.permit(), request)).await;
        let answer = answer.map_err(|status| granted(dataset).understand(&status))?.into_inner();
        answer.dataset.ok_or(LabelerError::Empty("GetDataset"))
    }

    /// One page of what the proof's holder may read.
    pub(crate) async fn list(
        &self,
        datasets: &Visible<can::ReadDataset>,
        page_size: i32,
        page_token: String,
    ) -> Result<Seen<ListDatasetsResponse>, LabelerError> {
        let request = ListDatasetsRequest { page_size, page_token };
        // The permit is the subject: Labeler selects by the token that is minted from it.
        datasets
            .look(|_| async {
                let call = on_behalf(datasets.permit(), request);
                let answer = self.0.clone().list_datasets(call).await;
                let asked = asked(datasets.permit(), can::ReadDataset::NAME);
                Ok(answer.map_err(|status| asked.understand(&status))?.into_inner())
            })
            .await
    }

    /// Several datasets, in the order of their proofs, of which there is at least one.
    pub(crate) async fn get_each(
        &self,
        datasets: &[Granted<can::ReadDataset>],
    ) -> Result<Vec<Dataset>, LabelerError> {
        let Some(first) = datasets.first() else { return Ok(Vec::new()) };
        let dataset_ids = datasets.iter().map(|dataset| dataset.id().to_owned()).collect();
        let call = on_behalf(first.permit(), BatchGetDatasetsRequest { dataset_ids });
        let answer = self.0.clone().batch_get_datasets(call).await;
        Ok(answer.map_err(|status| granted(first).understand(&status))?.into_inner().datasets)
    }

    /// What the permit's holder may do to a dataset; nothing if there is none.
    pub(crate) async fn check(
        &self,
        permit: &Permit,
        dataset_id: &str,
    ) -> Result<CheckPermissionResponse, LabelerError> {
        let request = CheckPermissionRequest { dataset_id: dataset_id.to_owned() };
        let answer = self.0.clone().check_permission(on_behalf(permit, request)).await;
        let asked = asked(permit, can::ReadDataset::NAME);
        Ok(answer.map_err(|status| asked.understand(&status))?.into_inner())
    }

    /// A dataset's files, or one of them, as they come.
    pub(crate) async fn download(
        &self,
        dataset: &Granted<can::ReadDataset>,
        path: String,
        offset: u64,
    ) -> Result<Reply<DownloadDatasetResponse, LabelerError>, LabelerError> {
        let dataset_id = dataset.id().to_owned();
        let call = on_behalf(dataset.permit(), DownloadDatasetRequest { dataset_id, path, offset });
        let asked = granted(dataset);
        let understood = |status: Status| asked.understand(&status);
        let pieces = self.0.clone().download_dataset(call).await.map_err(&understood)?;
        let asked = asked.clone();
        let pieces = pieces.into_inner();
        Ok(Box::pin(pieces.map(move |piece| piece.map_err(|status| asked.understand(&status)))))
    }

    /// Deletes a dataset if it still has this etag, or whatever it has if the etag is empty.
    pub(crate) async fn delete(
        &self,
        dataset: &Granted<can::DeleteDataset>,
        etag: String,
    ) -> Result<(), LabelerError> {
        let request = DeleteDatasetRequest { dataset_id: dataset.id().to_owned(), etag };
        let answer = self.0.clone().delete_dataset(on_behalf(dataset.permit(), request)).await;
        answer.map(|_| ()).map_err(|status| granted(dataset).understand(&status))
    }
}

fn granted<P: Permission>(proof: &Granted<P>) -> Asked {
    asked(proof.permit(), P::NAME)
}

fn asked(permit: &Permit, permission: &'static str) -> Asked {
    Asked { permit: permit.clone(), permission }
}
