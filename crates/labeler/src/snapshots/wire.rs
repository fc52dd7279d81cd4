//! Between the messages of `SnapshotService` and the domain, and those of downloads.

use hallpass_contract::labeler as wire;

use crate::database::FileRow;
use crate::datasets::wire as datasets;
use crate::download::Sent;
use crate::download::urls::DownloadUrl;
use crate::error::Error;
use crate::model::dataset::{Class, Split};
use crate::model::snapshot::{Difference, Snapshot, SnapshotFile};
use crate::model::spec;
use crate::page;
use crate::page::PageRequest;
use crate::snapshots::store::{Paged, SnapshotWish};

/// A snapshot to make.
pub(crate) fn snapshot_wish(request: wire::CreateSnapshotRequest) -> Result<SnapshotWish, Error> {
    Ok(SnapshotWish {
        display_name: spec::name(&request.display_name)?,
        request: datasets::request_id(&request.request_id)?,
        etag: request.etag,
    })
}

/// A snapshot as others see it.
pub(crate) fn snapshot(snapshot: Snapshot) -> wire::Snapshot {
    let class =
        |class: Class| wire::DatasetClass { name: class.name, item_count: class.item_count };
    let splits = Split::ALL.into_iter().zip(snapshot.splits).filter(|(_, items)| *items > 0);
    let count = |(split, item_count)| {
        let split = datasets::split(split).into();
        wire::SplitCount { split, item_count }
    };
    wire::Snapshot {
        snapshot_id: snapshot.id.to_string(),
        dataset_id: snapshot.dataset.to_string(),
        display_name: snapshot.display_name,
        creator: snapshot.creator,
        format: datasets::format(snapshot.format).into(),
        content_sha256: snapshot.content_sha256.to_vec().into(),
        file_count: snapshot.file_count,
        item_count: snapshot.item_count,
        size_bytes: snapshot.size_bytes,
        classes: snapshot.classes.into_iter().map(class).collect(),
        splits: splits.map(count).collect(),
        create_time: Some(datasets::timestamp(snapshot.created)),
    }
}

/// A page of snapshots.
pub(crate) fn snapshots(page: Paged<Snapshot>) -> wire::ListSnapshotsResponse {
    let snapshots = page.found.into_iter().map(snapshot).collect();
    wire::ListSnapshotsResponse { snapshots, next_page_token: page.next_page_token }
}

/// A page of a snapshot's files.
pub(crate) fn snapshot_files(page: Paged<SnapshotFile>) -> wire::ListSnapshotFilesResponse {
    let files = page.found.into_iter().map(snapshot_file).collect();
    wire::ListSnapshotFilesResponse { files, next_page_token: page.next_page_token }
}

/// A page of differences.
pub(crate) fn differences(page: Paged<Difference>) -> wire::DiffSnapshotsResponse {
    let change = |change: Difference| wire::SnapshotChange {
        path: change.path,
        before: change.before.map(snapshot_file),
        after: change.after.map(snapshot_file),
    };
    let changes = page.found.into_iter().map(change).collect();
    wire::DiffSnapshotsResponse { changes, next_page_token: page.next_page_token }
}

/// A page of which files: as many as there may be unless another size is said.
pub(crate) fn page_of_files(size: i32, token: String) -> Result<PageRequest, Error> {
    page::request(if size == 0 { 1000 } else { size }, token)
}

/// A file as others see it.
pub(crate) fn file(row: FileRow) -> wire::FileInfo {
    let sha256 = row.stored.sha256.to_vec().into();
    wire::FileInfo { path: row.path, size_bytes: row.stored.size, sha256 }
}

/// Where to fetch a file.
pub(crate) fn download_url(found: DownloadUrl) -> wire::GetDownloadUrlResponse {
    let expire_time = Some(datasets::timestamp(found.expires));
    let url = found.url.into_exposed();
    wire::GetDownloadUrlResponse { url, expire_time, file: Some(file(found.file)) }
}

/// A piece of a download.
pub(crate) fn downloaded(sent: Sent) -> wire::DownloadDatasetResponse {
    let (chunk, file) = pieces(sent);
    wire::DownloadDatasetResponse { chunk: Some(chunk), file }
}

/// A piece of a snapshot's download.
pub(crate) fn downloaded_snapshot(sent: Sent) -> wire::DownloadSnapshotResponse {
    let (chunk, file) = pieces(sent);
    wire::DownloadSnapshotResponse { chunk: Some(chunk), file }
}

fn pieces(sent: Sent) -> (wire::FileChunk, Option<wire::FileInfo>) {
    let file = sent.file.map(|(size_bytes, sha256)| {
        let sha256 = sha256.to_vec().into();
        wire::FileInfo { path: sent.path.clone(), size_bytes, sha256 }
    });
    (wire::FileChunk { path: sent.path, data: sent.data }, file)
}

fn snapshot_file(file: SnapshotFile) -> wire::SnapshotFile {
    let split = file.split.map_or(wire::Split::Unspecified, datasets::split).into();
    wire::SnapshotFile { file: Some(self::file(file.row)), split }
}
