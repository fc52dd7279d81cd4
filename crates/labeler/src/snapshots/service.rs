//! The handlers of `SnapshotService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can::{DeleteSnapshot, ReadDataset, ReadSnapshot, WriteDataset};
use hallpass_contract::labeler::{
    CreateSnapshotRequest, CreateSnapshotResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    DiffSnapshotsRequest, DiffSnapshotsResponse, DownloadSnapshotRequest, DownloadSnapshotResponse,
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotFilesRequest, ListSnapshotFilesResponse,
    ListSnapshotsRequest, ListSnapshotsResponse, SnapshotService,
};
use hallpass_policy::Granted;
use hallpass_policy::adapter::Reply;
use tokio_stream::StreamExt;

use crate::datasets::store::Datasets;
use crate::download::Wanted;
use crate::error::Error;
use crate::page;
use crate::snapshots::wire;

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
        dataset: Granted<WriteDataset>,
        request: CreateSnapshotRequest,
    ) -> Result<CreateSnapshotResponse, Error> {
        let wish = wire::snapshot_wish(request)?;
        let snapshot = self.0.create_snapshot(&dataset, &wish).await?;
        Ok(CreateSnapshotResponse { snapshot: Some(wire::snapshot(snapshot)) })
    }

    async fn get_snapshot(
        &self,
        snapshot: Granted<ReadSnapshot>,
        _: GetSnapshotRequest,
    ) -> Result<GetSnapshotResponse, Error> {
        let snapshot = self.0.snapshot(&snapshot).await?;
        Ok(GetSnapshotResponse { snapshot: Some(wire::snapshot(snapshot)) })
    }

    async fn list_snapshots(
        &self,
        dataset: Granted<ReadDataset>,
        request: ListSnapshotsRequest,
    ) -> Result<ListSnapshotsResponse, Error> {
        let page = page::request(request.page_size, request.page_token)?;
        self.0.snapshots(&dataset, page).await.map(wire::snapshots)
    }

    async fn list_snapshot_files(
        &self,
        snapshot: Granted<ReadSnapshot>,
        request: ListSnapshotFilesRequest,
    ) -> Result<ListSnapshotFilesResponse, Error> {
        let page = wire::page_of_files(request.page_size, request.page_token)?;
        self.0.snapshot_files(&snapshot, page).await.map(wire::snapshot_files)
    }

    async fn diff_snapshots(
        &self,
        base: Granted<ReadSnapshot>,
        snapshot: Granted<ReadSnapshot>,
        request: DiffSnapshotsRequest,
    ) -> Result<DiffSnapshotsResponse, Error> {
        let page = wire::page_of_files(request.page_size, request.page_token)?;
        self.0.differences(&base, &snapshot, page).await.map(wire::differences)
    }

    async fn download_snapshot(
        &self,
        snapshot: Granted<ReadSnapshot>,
        request: DownloadSnapshotRequest,
    ) -> Result<Reply<DownloadSnapshotResponse, Error>, Error> {
        let wanted = Wanted::parse(request.path, request.offset, request.onwards)?;
        let download = self.0.download_snapshot(&snapshot, wanted).await?;
        Ok(Box::pin(download.pieces().map(|piece| piece.map(wire::downloaded_snapshot))))
    }

    async fn delete_snapshot(
        &self,
        snapshot: Granted<DeleteSnapshot>,
        _: DeleteSnapshotRequest,
    ) -> Result<DeleteSnapshotResponse, Error> {
        self.0.delete_snapshot(&snapshot).await?;
        Ok(DeleteSnapshotResponse {})
    }
}
