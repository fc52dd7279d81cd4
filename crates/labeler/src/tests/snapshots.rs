//! Snapshots: what they keep, what they refuse, what holds on to what.

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_contract::labeler as wire;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use wire::assign_splits_request::By;
use wire::write_files_request::Part;

use super::callers::{Mint, Who};
use super::world::{File, World, sample_files, start};

/// A world with the sample of alice's.
pub(super) struct Place {
    pub(super) world: World,
    pub(super) mint: Mint,
    pub(super) id: String,
}

impl Place {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let id = world.sample_of("alice").await.dataset_id;
        Self { world, mint: Mint::new(), id }
    }

    pub(super) async fn create(
        &self,
        request: wire::CreateSnapshotRequest,
    ) -> Result<wire::Snapshot, Status> {
        let caller = self.mint.caller(&self.world, &"alice".into());
        Ok(caller.snapshots().create_snapshot(request).await?.into_inner().snapshot.unwrap())
    }

    pub(super) async fn snapshot(&self, name: &str) -> wire::Snapshot {
        self.create(self.wish(name)).await.unwrap()
    }

    fn wish(&self, name: &str) -> wire::CreateSnapshotRequest {
        let (dataset_id, display_name) = (self.id.clone(), name.to_owned());
        wire::CreateSnapshotRequest { dataset_id, display_name, ..Default::default() }
    }

    pub(super) async fn get(&self, who: &Who, id: &str) -> Result<wire::Snapshot, Status> {
        let request = wire::GetSnapshotRequest { snapshot_id: id.to_owned() };
        let caller = self.mint.caller(&self.world, who);
        Ok(caller.snapshots().get_snapshot(request).await?.into_inner().snapshot.unwrap())
    }

    pub(super) async fn delete(&self, who: &Who, id: &str) -> Result<(), Status> {
        let request = wire::DeleteSnapshotRequest { snapshot_id: id.to_owned() };
        self.mint.caller(&self.world, who).snapshots().delete_snapshot(request).await.map(|_| ())
    }

    pub(super) async fn files(&self, id: &str, page_size: i32) -> Vec<wire::SnapshotFile> {
        let (mut files, mut page_token) = (Vec::new(), String::new());
        loop {
            let snapshot_id = id.to_owned();
            let request = wire::ListSnapshotFilesRequest { snapshot_id, page_size, page_token };
            let caller = self.mint.caller(&self.world, &"alice".into());
            let page = caller.snapshots().list_snapshot_files(request).await.unwrap().into_inner();
            files.extend(page.files);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return files;
            }
        }
    }

    pub(super) async fn diff(
        &self,
        base: &str,
        other: &str,
        page_size: i32,
    ) -> Vec<wire::SnapshotChange> {
        let (mut changes, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = wire::DiffSnapshotsRequest {
                base_snapshot_id: base.to_owned(),
                snapshot_id: other.to_owned(),
                page_size,
                page_token,
            };
            let caller = self.mint.caller(&self.world, &"alice".into());
            let page = caller.snapshots().diff_snapshots(request).await.unwrap().into_inner();
            changes.extend(page.changes);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return changes;
            }
        }
    }

    pub(super) async fn download(
        &self,
        request: wire::DownloadSnapshotRequest,
    ) -> Result<Vec<File>, Status> {
        let caller = self.mint.caller(&self.world, &"alice".into());
        let mut reply = caller.snapshots().download_snapshot(request).await?.into_inner();
        let mut files: Vec<File> = Vec::new();
        while let Some(message) = reply.next().await {
            let (chunk, file) = message.map(|message| (message.chunk.unwrap(), message.file))?;
            if let Some(file) = file {
                assert_eq!(file.path, chunk.path);
                files.push((file.path, Vec::new()));
            }
            files.last_mut().unwrap().1.extend_from_slice(&chunk.data);
        }
        Ok(files)
    }

    pub(super) async fn all_of(&self, id: &str) -> Vec<File> {
        let snapshot_id = id.to_owned();
        self.download(wire::DownloadSnapshotRequest { snapshot_id, ..Default::default() })
            .await
            .unwrap()
    }

    pub(super) async fn split_all(&self) {
        let ratios = wire::SplitRatios { train: 1.0, ..Default::default() };
        let (dataset_id, by) = (self.id.clone(), Some(By::Ratios(ratios)));
        let request = wire::AssignSplitsRequest { dataset_id, by, ..Default::default() };
        self.mint
            .caller(&self.world, &"alice".into())
            .splits()
            .assign_splits(request)
            .await
            .unwrap();
    }

    pub(super) async fn revise(&self, files: &[File]) {
        revise(&self.world, &self.id, files).await;
    }
}

/// Makes alice's dataset consist of these files and no others.
pub(super) async fn revise(world: &World, id: &str, files: &[File]) {
    let (mint, dataset_id) = (Mint::new(), id.to_owned());
    let mut uploads = mint.caller(world, &"alice".into()).uploads();
    let begin = wire::CreateRevisionRequest { dataset_id, ..Default::default() };
    let upload = uploads.create_revision(begin).await.unwrap().into_inner().upload.unwrap();
    let upload_id = upload.upload_id;
    let mut parts = vec![Part::Start(wire::WriteStart { upload_id: upload_id.clone() })];
    for (path, data) in files {
        let (path, size_bytes) = (path.clone(), data.len() as u64);
        parts.push(Part::File(wire::FileStart { path, size_bytes, ..Default::default() }));
        parts.push(Part::Data(data.clone().into()));
    }
    let parts = parts.into_iter().map(|part| wire::WriteFilesRequest { part: Some(part) });
    let parts = tokio_stream::iter(parts.collect::<Vec<_>>());
    uploads.write_files(parts).await.unwrap();
    let finish = wire::FinishUploadRequest { upload_id, remove_others: true, ..Default::default() };
    uploads.finish_upload(finish).await.unwrap();
}

/// The hash as the contract defines it, written a second time.
fn hash(files: &[wire::SnapshotFile]) -> Vec<u8> {
    let lines = files.iter().map(|file| {
        let info = file.file.as_ref().unwrap();
        let hex = info.sha256.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let split = ["-", "train", "validation", "test"][usize::try_from(file.split).unwrap()];
        format!("{hex} {} {split} {}\n", info.size_bytes, info.path)
    });
    let text = lines.collect::<Vec<_>>().concat();
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

#[tokio::test]
async fn a_snapshot_is_the_dataset_as_it_was() {
    let place = Place::new().await;
    let dataset = place.world.get(&place.world.user("alice"), &place.id).await.unwrap();
    let snapshot = place.snapshot("  First ").await;
    assert_eq!((snapshot.display_name.as_str(), snapshot.creator.as_str()), ("First", "alice"));
    assert_eq!(snapshot.dataset_id, place.id);
    assert_eq!((snapshot.file_count, snapshot.item_count), (13, 12));
    assert_eq!(snapshot.size_bytes, dataset.size_bytes);
    assert_eq!((&snapshot.classes, snapshot.format), (&dataset.classes, dataset.format));
    assert_eq!(snapshot.splits, []);
    assert_eq!(place.get(&"alice".into(), &snapshot.snapshot_id).await.unwrap(), snapshot);
    let files = place.files(&snapshot.snapshot_id, 0).await;
    assert_eq!(files, place.files(&snapshot.snapshot_id, 4).await, "pages are the whole");
    assert_eq!(files.len(), 13);
    assert_eq!(snapshot.content_sha256, hash(&files));
    place.split_all().await;
    let split = place.snapshot("Split").await;
    assert_ne!(split.content_sha256, snapshot.content_sha256);
    assert_eq!(split.content_sha256, hash(&place.files(&split.snapshot_id, 0).await));
    assert_eq!(split.splits, [wire::SplitCount { split: 1, item_count: 12 }]);
    assert_eq!(place.files(&snapshot.snapshot_id, 0).await, files, "the first has changed");
}

#[tokio::test]
async fn equal_content_has_an_equal_hash_whatever_the_order() {
    let mut place = Place::new().await;
    let one = place.snapshot("a").await;
    let mut files = sample_files();
    files.reverse();
    let alice = place.world.user("alice");
    place.id = place.world.upload(&alice, start("b"), &files).await.unwrap().dataset_id;
    let other = place.snapshot("b").await;
    assert_ne!(one.dataset_id, other.dataset_id);
    assert_eq!(one.content_sha256, other.content_sha256);
    assert_eq!(place.diff(&one.snapshot_id, &other.snapshot_id, 0).await, []);
}

#[tokio::test]
async fn a_request_makes_one_snapshot() {
    let place = Place::new().await;
    let request_id = "123e4567-e89b-12d3-a456-426614174000".to_owned();
    let wish = wire::CreateSnapshotRequest { request_id, ..place.wish("a") };
    let first = place.create(wish.clone()).await.unwrap();
    place.split_all().await;
    assert_eq!(place.create(wish.clone()).await.unwrap(), first);
    let other = wire::CreateSnapshotRequest { display_name: "b".into(), ..wish.clone() };
    assert_eq!(place.create(other).await.unwrap_err().code(), Code::AlreadyExists);
    let table = [
        (wire::CreateSnapshotRequest { etag: "0".repeat(16), ..place.wish("a") }, Code::Aborted),
        (place.wish(" "), Code::InvalidArgument),
        (wire::CreateSnapshotRequest { request_id: "7".into(), ..wish }, Code::InvalidArgument),
    ];
    for (wish, code) in table {
        assert_eq!(place.create(wish.clone()).await.unwrap_err().code(), code, "{wish:?}");
    }
}

#[tokio::test]
async fn the_newest_comes_first_page_by_page() {
    let place = Place::new().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        made.insert(0, place.snapshot(name).await);
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let dataset_id = place.id.clone();
        let request = wire::ListSnapshotsRequest { dataset_id, page_size: 2, page_token };
        let caller = place.mint.caller(&place.world, &"alice".into());
        let page = caller.snapshots().list_snapshots(request).await.unwrap().into_inner();
        assert!(page.snapshots.len() <= 2);
        seen.extend(page.snapshots);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn who_may_read_or_delete_the_dataset_may_its_snapshots() {
    let place = Place::new().await;
    let id = place.snapshot("a").await.snapshot_id;
    let worker = |kind, id: &str| Who::Worker(Some((kind, id.to_owned())));
    assert!(place.get(&worker("snapshot", &id), &id).await.is_ok());
    for who in ["bob".into(), worker("dataset", &place.id), Who::Worker(None)] {
        let refused = place.get(&who, &id).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{who:?}");
        assert_eq!(refused.message(), place.get(&who, "sn_0").await.unwrap_err().message());
    }
    assert_eq!(place.delete(&"bob".into(), &id).await.unwrap_err().code(), Code::PermissionDenied);
    place.delete(&"alice".into(), &id).await.unwrap();
    assert_eq!(place.get(&"alice".into(), &id).await.unwrap_err().code(), Code::PermissionDenied);
}
