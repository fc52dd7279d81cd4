//! Calls Labeler. What is asked is asked in the name of the caller of a handler, with the permit of the call that is served.

use std::future::Future;

use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::permission_service_client::PermissionServiceClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::split_service_client::SplitServiceClient;
use hallpass_contract::labeler::upload_service_client::UploadServiceClient;
use hallpass_contract::labeler::{
    CheckPermissionRequest, CheckPermissionResponse, Dataset, GetDatasetRequest,
};
use hallpass_contract::{can, storage};
use hallpass_guard::on_behalf;
use hallpass_policy::{Granted, Permission, Permit};
use tokio::sync::oneshot;
use tonic::{Response, Status};

use super::answer::{Asked, LabelerError};
use super::peer::Peer;
use crate::error::Error;

/// Labeler, as Platform's handlers see it. Clones share the connection.
#[derive(Debug, Clone)]
pub(crate) struct LabelerClient<S>(S);

impl<S: Peer> LabelerClient<S> {
    /// Over a channel that puts tokens on its calls.
    pub(crate) const fn new(peer: S) -> Self {
        Self(peer)
    }

    pub(crate) fn datasets(&self) -> DatasetServiceClient<S> {
        DatasetServiceClient::new(self.0.clone())
    }

    pub(crate) fn permissions(&self) -> PermissionServiceClient<S> {
        PermissionServiceClient::new(self.0.clone())
    }

    pub(crate) fn snapshots(&self) -> SnapshotServiceClient<S> {
        SnapshotServiceClient::new(self.0.clone())
    }

    pub(crate) fn splits(&self) -> SplitServiceClient<S> {
        SplitServiceClient::new(self.0.clone())
    }

    pub(crate) fn uploads(&self) -> UploadServiceClient<S> {
        UploadServiceClient::new(self.0.clone())
    }

    /// One dataset.
    pub(crate) async fn get(
        &self,
        dataset: &Granted<can::ReadDataset>,
    ) -> Result<Dataset, LabelerError> {
        let request = GetDatasetRequest { dataset_id: dataset.id().to_owned() };
        let answer = self.datasets().get_dataset(on_behalf(dataset.permit(), request)).await;
        let answer = answer.map_err(|status| Asked::with(dataset).understand(&status))?;
        answer.into_inner().dataset.ok_or(LabelerError::Empty("GetDataset"))
    }

    /// Whether the permit's holder may make datasets. Where they will lie, Labeler knows: it looks at the bucket.
    pub(crate) fn may_store(permit: &Permit) -> Result<(), LabelerError> {
        let reaches = storage::check_somewhere(permit);
        reaches.map_err(|denial| LabelerError::Refused(permit.refuse(denial)))
    }

    /// What the permit's holder may do to an object that Labeler keeps; nothing if there is none.
    pub(crate) async fn check(
        &self,
        permit: &Permit,
        object: CheckPermissionRequest,
    ) -> Result<CheckPermissionResponse, LabelerError> {
        // The bucket is not known yet, and no storage grant is needed to ask for it.
        let asking = permit.clone().within_bucket("");
        let answer = self.datasets().check_permission(on_behalf(&asking, object)).await;
        let asked = Asked::by(permit, can::ReadDataset::NAME);
        Ok(answer.map_err(|status| asked.understand(&status))?.into_inner())
    }
}

/// What Labeler answered, in words for the caller.
pub(crate) fn answered<A>(asked: &Asked, answer: Result<Response<A>, Status>) -> Result<A, Error> {
    Ok(answer.map_err(|status| asked.understand(&status))?.into_inner())
}

/// What Labeler answers to a stream that is passed on. Either side's error ends both.
pub(crate) async fn relayed<A>(
    asked: Asked,
    call: impl Future<Output = Result<Response<A>, Status>>,
    broken_off: oneshot::Receiver<Status>,
) -> Result<A, Error> {
    tokio::select! {
        biased;
        // Leaving drops the call, and with it Labeler's half of the stream.
        Ok(status) = broken_off => Err(Error::BrokenOff(status)),
        answer = call => answered(&asked, answer),
    }
}
