//! `SnapshotService` and `SplitService`.

use hallpass_contract::labeler as wire;
use wire::assign_splits_request::By;

use super::super::callers::Who;
use super::play::Play;

/// No more snapshots than these: each keeps its dataset from being deleted.
const MOST: usize = 6;

impl Play {
    pub(super) async fn create_snapshot(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "write", "dataset", &id);
        if self.model.snapshots.len() >= MOST && may {
            return;
        }
        let (etag, right) = self.any_etag(&id);
        let display_name = "as it is".to_owned();
        let request = wire::CreateSnapshotRequest {
            dataset_id: id.clone(),
            display_name,
            etag,
            ..Default::default()
        };
        let answer = self.caller(&who).snapshots().create_snapshot(request).await;
        match self.judge("CreateSnapshot", &who, may, answer) {
            Some(Ok(made)) => {
                assert_eq!(right, Ok(()));
                let snapshot = made.snapshot.unwrap();
                assert_eq!(snapshot.dataset_id, id);
                self.model.snapshots.insert(snapshot.snapshot_id, id);
            }
            Some(Err(status)) => {
                assert_eq!(Some(status.code()), right.err(), "{status:?}");
            }
            None => {}
        }
    }

    pub(super) async fn get_snapshot(&mut self, who: Who) {
        let id = self.id_for(&who, "snapshot");
        let may = self.model.may(&who, "read", "snapshot", &id);
        let request = wire::GetSnapshotRequest { snapshot_id: id.clone() };
        let answer = self.caller(&who).snapshots().get_snapshot(request).await;
        if let Some(Ok(got)) = self.judge("GetSnapshot", &who, may, answer) {
            assert_eq!(got.snapshot.unwrap().dataset_id, self.model.snapshots[&id]);
        }
    }

    pub(super) async fn list_snapshots(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "read", "dataset", &id);
        let request = wire::ListSnapshotsRequest { dataset_id: id.clone(), ..Default::default() };
        let answer = self.caller(&who).snapshots().list_snapshots(request).await;
        if let Some(Ok(told)) = self.judge("ListSnapshots", &who, may, answer) {
            let mut told: Vec<_> =
                told.snapshots.into_iter().map(|snapshot| snapshot.snapshot_id).collect();
            told.sort();
            assert!(told.iter().eq(self.model.snapshots_of(&id)));
        }
    }

    pub(super) async fn list_snapshot_files(&mut self, who: Who) {
        let id = self.id_for(&who, "snapshot");
        let may = self.model.may(&who, "read", "snapshot", &id);
        let request = wire::ListSnapshotFilesRequest { snapshot_id: id, ..Default::default() };
        let answer = self.caller(&who).snapshots().list_snapshot_files(request).await;
        self.judge("ListSnapshotFiles", &who, may, answer);
    }

    pub(super) async fn diff_snapshots(&mut self, who: Who) {
        let (base, id) = (self.id_for(&who, "snapshot"), self.id_for(&who, "snapshot"));
        let may = [&base, &id].into_iter().all(|id| self.model.may(&who, "read", "snapshot", id));
        let request = wire::DiffSnapshotsRequest {
            base_snapshot_id: base,
            snapshot_id: id,
            ..Default::default()
        };
        let answer = self.caller(&who).snapshots().diff_snapshots(request).await;
        self.judge("DiffSnapshots", &who, may, answer);
    }

    pub(super) async fn download_snapshot(&mut self, who: Who) {
        let id = self.id_for(&who, "snapshot");
        let may = self.model.may(&who, "read", "snapshot", &id);
        let request = wire::DownloadSnapshotRequest { snapshot_id: id, ..Default::default() };
        let answer = self.caller(&who).snapshots().download_snapshot(request).await;
        self.judge("DownloadSnapshot", &who, may, answer);
    }

    pub(super) async fn delete_snapshot(&mut self, who: Who) {
        let id = self.id_for(&who, "snapshot");
        let may = self.model.may(&who, "delete", "snapshot", &id);
        let request = wire::DeleteSnapshotRequest { snapshot_id: id.clone() };
        let answer = self.caller(&who).snapshots().delete_snapshot(request).await;
        if let Some(Ok(_)) = self.judge("DeleteSnapshot", &who, may, answer) {
            self.model.snapshots.remove(&id);
            self.model.gone.push(id);
        }
    }

    pub(super) async fn list_items(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "read", "dataset", &id);
        let request = wire::ListItemsRequest { dataset_id: id, ..Default::default() };
        let answer = self.caller(&who).splits().list_items(request).await;
        self.judge("ListItems", &who, may, answer);
    }

    pub(super) async fn assign_splits(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "write", "dataset", &id);
        let (etag, right) = self.any_etag(&id);
        let ratios =
            wire::SplitRatios { train: 0.5, seed: self.chance.bits(), ..Default::default() };
        let request =
            wire::AssignSplitsRequest { dataset_id: id, by: Some(By::Ratios(ratios)), etag };
        let answer = self.caller(&who).splits().assign_splits(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("AssignSplits", &who, may, answer) {
            self.changed(done, right.err(), |_| {});
        }
    }
}
