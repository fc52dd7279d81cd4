//! The list of the items, a line of JSON for each: its path, its classes as far as Labeler tells them, its split.

use std::path::Path;

use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::split_service_client::SplitServiceClient;
use hallpass_contract::labeler::{ListItemsRequest, ListSnapshotFilesRequest, Split};
use hallpass_guard::Background;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, BufWriter};

use crate::engine::{Engine, Task};
use crate::failure::Failure;
use crate::peer::Peer;

const PAGE: i32 = 1000;

/// An item's path, classes and split.
pub(crate) type Item = (String, Vec<String>, i32);

/// Writes the list.
pub(super) async fn write<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    file: &Path,
) -> Result<(), Failure> {
    let local = |error| Failure::local("the list of items", &error);
    let mut out = BufWriter::new(File::create(file).await.map_err(local)?);
    let mut page_token = String::new();
    loop {
        let page = if task.snapshot_id.is_empty() {
            of_dataset(engine, task, work, page_token).await?
        } else {
            of_snapshot(engine, task, work, page_token).await?
        };
        for (path, classes, split) in page.0 {
            let split = Split::try_from(split).map_or("", name);
            let line = json!({ "path": path, "classes": classes, "split": split });
            out.write_all(format!("{line}\n").as_bytes()).await.map_err(local)?;
        }
        page_token = page.1;
        if page_token.is_empty() {
            return out.flush().await.map_err(local);
        }
    }
}

/// A page of a dataset's items, and the token of the next.
pub(crate) async fn of_dataset<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    page_token: String,
) -> Result<(Vec<Item>, String), Failure> {
    let request = ListItemsRequest {
        dataset_id: task.dataset_id.clone(),
        page_size: PAGE,
        page_token,
        ..ListItemsRequest::default()
    };
    let mut client = SplitServiceClient::new(engine.labeler.clone());
    let page = client.list_items(work.request(request)).await;
    let page = page.map_err(|status| Failure::of(&status))?.into_inner();
    let items = page.items.into_iter().map(|item| (item.path, item.class_names, item.split));
    Ok((items.collect(), page.next_page_token))
}

/// A snapshot's list has the files of annotations, too, and no classes.
async fn of_snapshot<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
    page_token: String,
) -> Result<(Vec<Item>, String), Failure> {
    let snapshot_id = task.snapshot_id.clone();
    let request = ListSnapshotFilesRequest { snapshot_id, page_size: PAGE, page_token };
    let mut client = SnapshotServiceClient::new(engine.labeler.clone());
    let page = client.list_snapshot_files(work.request(request)).await;
    let page = page.map_err(|status| Failure::of(&status))?.into_inner();
    let items = page.files.into_iter();
    let items = items.filter_map(|of| Some((of.file?.path, Vec::new(), of.split)));
    Ok((items.collect(), page.next_page_token))
}

/// What a split is called in the list.
pub(crate) const fn name(split: Split) -> &'static str {
    match split {
        Split::Unspecified => "",
        Split::Train => "train",
        Split::Validation => "validation",
        Split::Test => "test",
    }
}
