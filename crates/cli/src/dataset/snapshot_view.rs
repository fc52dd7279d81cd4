//! Snapshots and how they differ, as they are printed.

use hallpass_contract::labeler::{Snapshot, SnapshotChange, SnapshotFile};
use serde::Serialize;

use super::view::{self, ClassView, SplitView};
use crate::instant;
use crate::output::hex;
use crate::output::{self, plain};

/// A snapshot as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct SnapshotView {
    snapshot_id: String,
    dataset_id: String,
    display_name: String,
    creator: String,
    format: &'static str,
    content_sha256: String,
    classes: Vec<ClassView>,
    splits: Vec<SplitView>,
    item_count: u64,
    file_count: u64,
    size_bytes: u64,
    create_time: String,
}

impl From<Snapshot> for SnapshotView {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            format: view::layout(snapshot.format()),
            snapshot_id: snapshot.snapshot_id,
            dataset_id: snapshot.dataset_id,
            display_name: snapshot.display_name,
            creator: snapshot.creator,
            content_sha256: hex(&snapshot.content_sha256),
            classes: snapshot.classes.into_iter().map(Into::into).collect(),
            splits: snapshot.splits.into_iter().map(Into::into).collect(),
            item_count: snapshot.item_count,
            file_count: snapshot.file_count,
            size_bytes: snapshot.size_bytes,
            create_time: instant::of_timestamp(snapshot.create_time),
        }
    }
}

impl SnapshotView {
    /// One line for each member, class and split.
    pub(super) fn to_text(&self) -> String {
        let counts = [self.item_count, self.file_count, self.size_bytes].map(|of| of.to_string());
        let [items, files, bytes] = &counts;
        let members = [
            ("snapshot_id", &*self.snapshot_id),
            ("dataset_id", &self.dataset_id),
            ("display_name", &self.display_name),
            ("creator", &self.creator),
            ("format", self.format),
            ("content_sha256", &self.content_sha256),
            ("create_time", &self.create_time),
            ("item_count", items),
            ("file_count", files),
            ("size_bytes", bytes),
        ];
        let mut rows: Vec<_> =
            members.map(|(name, value)| vec![name.to_owned(), plain(value).into_owned()]).into();
        rows.extend(view::counts_to_text(&self.classes, &self.splits));
        output::table(&rows)
    }
}

/// One line for each snapshot.
pub(super) fn table(snapshots: &[SnapshotView]) -> String {
    let head = ["ID", "NAME", "CREATOR", "ITEMS", "BYTES", "CONTENT", "CREATED"];
    let rows = snapshots.iter().map(|of| {
        let (items, bytes) = (of.item_count.to_string(), of.size_bytes.to_string());
        let content = of.content_sha256.get(..12).unwrap_or_default();
        let cells = [
            &of.snapshot_id,
            &of.display_name,
            &of.creator,
            &*items,
            &bytes,
            content,
            &of.create_time,
        ];
        cells.map(|cell: &str| plain(cell).into_owned())
    });
    output::listing(head, rows, &["ID", "NAME"])
}

/// One difference as it is printed.
#[derive(Debug, Serialize)]
pub(super) struct ChangeView {
    change: &'static str,
    path: String,
    before: Option<FileView>,
    after: Option<FileView>,
}

#[derive(Debug, Serialize)]
struct FileView {
    size_bytes: u64,
    sha256: String,
    split: &'static str,
}

impl From<SnapshotFile> for FileView {
    fn from(file: SnapshotFile) -> Self {
        let split = view::split(file.split());
        let file = file.file.unwrap_or_default();
        Self { size_bytes: file.size_bytes, sha256: hex(&file.sha256), split }
    }
}

impl From<SnapshotChange> for ChangeView {
    fn from(change: SnapshotChange) -> Self {
        let (before, after) = (change.before.map(FileView::from), change.after.map(FileView::from));
        let name = match (&before, &after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(before), Some(after)) if before.sha256 == after.sha256 => "split",
            (Some(_), Some(_)) => "changed",
        };
        Self { change: name, path: change.path, before, after }
    }
}

/// One line for each difference.
pub(super) fn diff(changes: &[ChangeView]) -> String {
    let split = |file: &Option<FileView>| file.as_ref().map_or("-", |file| file.split);
    let rows = changes.iter().map(|of| {
        let splits = format!("{} -> {}", split(&of.before), split(&of.after));
        vec![of.change.to_owned(), plain(&of.path).into_owned(), splits]
    });
    output::table(&rows.collect::<Vec<_>>())
}
