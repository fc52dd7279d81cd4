//! The handlers of `SnapshotService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::labeler::{
    CreateSnapshotRequest, CreateSnapshotResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    DiffSnapshotsRequest, DiffSnapshotsResponse, DownloadSnapshotRequest, DownloadSnapshotResponse,
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotFilesRequest, ListSnapshotFilesResponse,
    ListSnapshotsRequest, ListSnapshotsResponse, SnapshotService,
};
use hallpass_policy::Granted;
use hallpass_policy::adapter::Reply;

use crate::datasets::Datasets;
use crate::error::Error;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotHandlers(Arc<Datasets>);

impl SnapshotHandlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl SnapshotService for SnapshotHandlers {
    type Error = Error;

    async fn create_snapshot(
        &self,
        _: Granted<can::WriteDataset>,
        _: CreateSnapshotRequest,
    ) -> Result<CreateSnapshotResponse, Error> {
        Err(Error::NotServed)
    }

    async fn get_snapshot(
        &self,
        _: Granted<can::ReadSnapshot>,
        _: GetSnapshotRequest,
    ) -> Result<GetSnapshotResponse, Error> {
        Err(Error::NotServed)
    }

    async fn list_snapshots(
        &self,
        _: Granted<can::ReadDataset>,
        _: ListSnapshotsRequest,
    ) -> Result<ListSnapshotsResponse, Error> {
        Err(Error::NotServed)
    }

    async fn list_snapshot_files(
        &self,
        _: Granted<can::ReadSnapshot>,
        _: ListSnapshotFilesRequest,
    ) -> Result<ListSnapshotFilesResponse, Error> {
        Err(Error::NotServed)
    }

    async fn diff_snapshots(
        &self,
        _: Granted<can::ReadSnapshot>,
        _: Granted<can::ReadSnapshot>,
        _: DiffSnapshotsRequest,
    ) -> Result<DiffSnapshotsResponse, Error> {
        Err(Error::NotServed)
    }

    async fn download_snapshot(
        &self,
        _: Granted<can::ReadSnapshot>,
        _: DownloadSnapshotRequest,
    ) -> Result<Reply<DownloadSnapshotResponse, Error>, Error> {
        Err(Error::NotServed)
    }

    async fn delete_snapshot(
        &self,
        _: Granted<can::DeleteSnapshot>,
        _: DeleteSnapshotRequest,
    ) -> Result<DeleteSnapshotResponse, Error> {
        Err(Error::NotServed)
    }
}
