//! Platform's `SnapshotService`: what users ask, Labeler answers.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    CreateSnapshotRequest, CreateSnapshotResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    DiffSnapshotsRequest, DiffSnapshotsResponse, DownloadSnapshotRequest, DownloadSnapshotResponse,
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotFilesRequest, ListSnapshotFilesResponse,
    ListSnapshotsRequest, ListSnapshotsResponse,
};
use hallpass_contract::platform::SnapshotService;
use hallpass_guard::on_behalf;
use hallpass_policy::Granted;
use hallpass_policy::adapter::Reply;

use crate::error::Error;
use crate::labeler::{Asked, LabelerClient, Peer, answered, download};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotHandler<S> {
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> SnapshotService for SnapshotHandler<S> {
    type Error = Error;

    async fn create_snapshot(
        &self,
        dataset: Granted<can::WriteDataset>,
        request: CreateSnapshotRequest,
    ) -> Result<CreateSnapshotResponse, Error> {
        let request = CreateSnapshotRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.snapshots().create_snapshot(call).await)
    }

    async fn get_snapshot(
        &self,
        snapshot: Granted<can::ReadSnapshot>,
        _: GetSnapshotRequest,
    ) -> Result<GetSnapshotResponse, Error> {
        let request = GetSnapshotRequest { snapshot_id: snapshot.id().to_owned() };
        let call = on_behalf(snapshot.permit(), request);
        answered(&Asked::with(&snapshot), self.labeler.snapshots().get_snapshot(call).await)
    }

    async fn list_snapshots(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: ListSnapshotsRequest,
    ) -> Result<ListSnapshotsResponse, Error> {
        let request = ListSnapshotsRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.snapshots().list_snapshots(call).await)
    }

    async fn list_snapshot_files(
        &self,
        snapshot: Granted<can::ReadSnapshot>,
        request: ListSnapshotFilesRequest,
    ) -> Result<ListSnapshotFilesResponse, Error> {
        let request = ListSnapshotFilesRequest { snapshot_id: snapshot.id().to_owned(), ..request };
        let call = on_behalf(snapshot.permit(), request);
        answered(&Asked::with(&snapshot), self.labeler.snapshots().list_snapshot_files(call).await)
    }

    async fn diff_snapshots(
        &self,
        base_snapshot: Granted<can::ReadSnapshot>,
        snapshot: Granted<can::ReadSnapshot>,
        request: DiffSnapshotsRequest,
    ) -> Result<DiffSnapshotsResponse, Error> {
        let request = DiffSnapshotsRequest {
            base_snapshot_id: base_snapshot.id().to_owned(),
            snapshot_id: snapshot.id().to_owned(),
            ..request
        };
        let call = on_behalf(base_snapshot.permit(), request);
        answered(&Asked::with(&base_snapshot), self.labeler.snapshots().diff_snapshots(call).await)
    }

    async fn download_snapshot(
        &self,
        snapshot: Granted<can::ReadSnapshot>,
        request: DownloadSnapshotRequest,
    ) -> Result<Reply<DownloadSnapshotResponse, Error>, Error> {
        let request = DownloadSnapshotRequest { snapshot_id: snapshot.id().to_owned(), ..request };
        let (labeler, permit) = (self.labeler.clone(), snapshot.permit().clone());
        download(Asked::with(&snapshot), request, move |request| {
            let (mut client, call) = (labeler.snapshots(), on_behalf(&permit, request));
            Box::pin(async move { client.download_snapshot(call).await })
        })
        .await
    }

    async fn delete_snapshot(
        &self,
        snapshot: Granted<can::DeleteSnapshot>,
        _: DeleteSnapshotRequest,
    ) -> Result<DeleteSnapshotResponse, Error> {
        let request = DeleteSnapshotRequest { snapshot_id: snapshot.id().to_owned() };
        let call = on_behalf(snapshot.permit(), request);
        answered(&Asked::with(&snapshot), self.labeler.snapshots().delete_snapshot(call).await)
    }
}
