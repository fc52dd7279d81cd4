//! Asks Labeler whether the dataset can be trained on, and says what is wrong with it if it cannot.

use hallpass_contract::labeler::dataset_service_client::DatasetServiceClient;
use hallpass_contract::labeler::snapshot_service_client::SnapshotServiceClient;
use hallpass_contract::labeler::{
    Dataset, DatasetFormat, GetDatasetRequest, GetSnapshotRequest, Snapshot,
};
use hallpass_guard::Background;

use crate::engine::{Engine, Task};
use crate::failure::Failure;
use crate::peer::Peer;

/// Whether the job's object is there, as it was, and of use.
pub(crate) async fn run<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<(), Failure> {
    if task.snapshot_id.is_empty() {
        let dataset = dataset(engine, task, work).await?;
        if dataset.storage_path.is_empty() {
            return Err(broken("Labeler names no place where its files are"));
        }
        usable(dataset.format(), dataset.item_count, dataset.classes.len())
    } else {
        let snapshot = snapshot(engine, task, work).await?;
        usable(snapshot.format(), snapshot.item_count, snapshot.classes.len())
    }
}

/// Whether the job's owner may read its object at this moment, in whatever state it is.
pub(crate) async fn still_readable<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<(), Failure> {
    if task.snapshot_id.is_empty() {
        any_state(engine, task, work).await.map(drop)
    } else {
        snapshot(engine, task, work).await.map(drop)
    }
}

/// The dataset as it is now.
pub(crate) async fn any_state<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<Dataset, Failure> {
    let request = GetDatasetRequest { dataset_id: task.dataset_id.clone() };
    let mut client = DatasetServiceClient::new(engine.labeler.clone());
    let answer = client.get_dataset(work.request(request)).await;
    let dataset = answer.map_err(|status| Failure::of(&status))?.into_inner().dataset;
    dataset.ok_or_else(|| broken("Labeler tells nothing of it"))
}

/// The dataset, if it is still as it was when the job was created.
pub(crate) async fn dataset<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<Dataset, Failure> {
    let dataset = any_state(engine, task, work).await?;
    if dataset.etag != task.dataset_etag {
        return Err(Failure::lasting(
            "DATASET_CHANGED",
            "the dataset has changed since the job was created; right: retry the job, or train on a snapshot",
        ));
    }
    Ok(dataset)
}

/// The snapshot.
pub(crate) async fn snapshot<S: Peer>(
    engine: &Engine<S>,
    task: &Task,
    work: &Background,
) -> Result<Snapshot, Failure> {
    let request = GetSnapshotRequest { snapshot_id: task.snapshot_id.clone() };
    let mut client = SnapshotServiceClient::new(engine.labeler.clone());
    let answer = client.get_snapshot(work.request(request)).await;
    let snapshot = answer.map_err(|status| Failure::of(&status))?.into_inner().snapshot;
    snapshot.ok_or_else(|| broken("Labeler tells nothing of it"))
}

fn usable(format: DatasetFormat, items: u64, classes: usize) -> Result<(), Failure> {
    if format == DatasetFormat::Unspecified {
        return Err(broken("its format is not known"));
    }
    if items == 0 {
        return Err(broken("it has no labelled items"));
    }
    if classes == 0 {
        return Err(broken("it has no classes"));
    }
    Ok(())
}

fn broken(what: &str) -> Failure {
    Failure::lasting("DATASET_UNUSABLE", format!("the dataset cannot be trained on: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let format = DatasetFormat::ImageFolder;
        assert_eq!(usable(format, 1, 1), Ok(()));
        for (format, items, classes, said) in [
            (DatasetFormat::Unspecified, 1, 1, "format"),
            (format, 0, 1, "items"),
            (format, 1, 0, "classes"),
        ] {
            let refused = usable(format, items, classes);
            assert!(refused.is_err_and(|failure| failure.message.contains(said)), "{said}");
        }
    }
}
