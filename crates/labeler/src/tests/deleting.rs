//! Deleting: by etag, rows and files together, and gone means refused.

use hallpass_contract::can::{DeleteDataset, ReadDataset};
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use tonic::{Code, Status};

use super::world::World;

#[tokio::test]
async fn the_etag_is_checked_and_everything_goes() {
    let world = World::new().await;
    let (alice, dataset) = (world.user("alice"), world.sample_of("alice").await);
    let id = dataset.dataset_id.as_str();
    let stale = world.delete(&alice, id, "0000000000000000").await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!(world.stored_files(), 13);
    assert!(world.get(&alice, id).await.is_ok());
    world.delete(&alice, id, &dataset.etag).await.unwrap();
    assert_eq!(world.stored_files(), 0);
    assert_eq!(world.get(&alice, id).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(world.delete(&alice, id, "").await.unwrap_err().code(), Code::PermissionDenied);
}

/// The object check passed and then another call deleted the dataset: the same answer as if it had never been.
#[tokio::test]
async fn gone_after_the_check_is_the_same_refusal() {
    let world = World::new().await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    let read = world.may::<ReadDataset>(&alice, &id).await.unwrap();
    let delete = world.may::<DeleteDataset>(&alice, &id).await.unwrap();
    let kept = world.sample_of("alice").await.dataset_id;
    let kept = world.may::<ReadDataset>(&alice, &kept).await.unwrap();
    world.delete(&alice, &id, "").await.unwrap();
    let handlers = world.handlers();
    let file = wire::DownloadDatasetRequest { path: "a".into(), ..Default::default() };
    let answers = [
        handlers.get_dataset(read.clone(), wire::GetDatasetRequest::default()).await.err(),
        handlers
            .batch_get_datasets(vec![kept, read.clone()], wire::BatchGetDatasetsRequest::default())
            .await
            .err(),
        handlers.download_dataset(read, file).await.err(),
        handlers.delete_dataset(delete, wire::DeleteDatasetRequest::default()).await.err(),
    ];
    let never = world.may::<ReadDataset>(&alice, &id).await.unwrap_err();
    for answer in answers {
        let status = Status::from(answer.unwrap());
        assert_eq!((status.code(), status.message()), (never.code(), never.message()));
    }
}
