//! What users ask of datasets, Labeler answers, in their name.

use futures_util::StreamExt;
use hallpass_contract::can;
use hallpass_contract::labeler::{
    BatchGetDatasetsRequest, CheckPermissionRequest, DeleteDatasetRequest, DownloadDatasetRequest,
    ListDatasetsRequest,
};
use hallpass_contract::platform::DatasetService;
use hallpass_policy::{Granted, Visible};
use tonic::{Code, Status};

use super::fake::Event;
use super::world::World;

#[tokio::test]
async fn a_list_is_seen_through_the_callers_eyes() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    world.labeler.add("ds_2", "bob");
    let permit = world.permit("DatasetService/ListDatasets", "alice");
    let visible = Visible::<can::ReadDataset>::through(&permit).unwrap();
    let request =
        ListDatasetsRequest { page_size: 3, page_token: "there".to_owned(), ..Default::default() };
    let page = world.platform.datasets.list_datasets(visible, request).await.unwrap().into_inner();
    let ids: Vec<_> = page.datasets.iter().map(|dataset| dataset.dataset_id.as_str()).collect();
    assert_eq!(
        (ids.as_slice(), page.next_page_token.as_str()),
        (["ds_1"].as_slice(), "3 after there")
    );
}

#[tokio::test]
async fn a_batch_keeps_its_order() {
    let world = World::new().await;
    let ids = ["ds_3", "ds_1", "ds_2"];
    let permit = world.permit("DatasetService/BatchGetDatasets", "alice");
    let proofs = ids.map(|id| {
        world.labeler.add(id, "alice");
        Granted::for_tests(permit.clone(), id)
    });
    let request = BatchGetDatasetsRequest::default();
    let answer = world.platform.datasets.batch_get_datasets(proofs.into(), request).await.unwrap();
    let found: Vec<_> = answer.datasets.iter().map(|dataset| &dataset.dataset_id).collect();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn what_one_may_is_told_and_nothing_of_what_is_absent() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    for (subject, id, held) in [("alice", "ds_1", 4), ("bob", "ds_1", 0), ("bob", "ds_absent", 0)] {
        let permit = world.permit("DatasetService/CheckPermission", subject);
        let request = CheckPermissionRequest { dataset_id: id.to_owned(), ..Default::default() };
        let answer = world.platform.datasets.check_permission(permit, request).await.unwrap();
        assert_eq!(answer.permissions.len(), held, "{subject} {id}");
    }
}

#[tokio::test]
async fn an_etag_goes_along_with_a_delete() {
    let world = World::new().await;
    world.labeler.add("ds_1", "alice");
    for (etag, code) in [("other", Err(Code::Aborted)), ("etag of ds_1", Ok(()))] {
        let permit = world.permit("DatasetService/DeleteDataset", "alice");
        let proof = Granted::for_tests(permit, "ds_1");
        let request = DeleteDatasetRequest { etag: etag.to_owned(), ..Default::default() };
        let answer = world.platform.datasets.delete_dataset(proof, request).await;
        assert_eq!(answer.map(|_| ()).map_err(|error| Status::from(error).code()), code);
    }
}

#[tokio::test]
async fn a_download_passes_through_as_it_comes_and_its_error_too() {
    let world = World::new().await;
    let pieces = world.labeler.pieces();
    let mut reply = download(&world).await;
    for path in ["a.png", "b.png"] {
        pieces.send(Ok(path)).await.unwrap();
        assert_eq!(reply.next().await.unwrap().unwrap(), path);
    }
    pieces.send(Err(Status::aborted("deleted meanwhile"))).await.unwrap();
    let error = reply.next().await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Aborted, "deleted meanwhile"));
    assert!(reply.next().await.is_none());
}

#[tokio::test]
async fn a_download_that_nobody_reads_any_more_ends_at_labeler() {
    let world = World::new().await;
    let pieces = world.labeler.pieces();
    let mut seen = world.labeler.watch();
    let mut reply = download(&world).await;
    pieces.send(Ok("a.png")).await.unwrap();
    assert_eq!(reply.next().await.unwrap().unwrap(), "a.png");
    drop(reply);
    assert_eq!(seen.recv().await, Some(Event::BrokenOff));
}

/// The paths of the pieces as the user gets them.
async fn download(
    world: &World,
) -> impl futures_util::Stream<Item = Result<String, Status>> + Unpin {
    world.labeler.add("ds_1", "alice");
    let permit = world.permit("DatasetService/DownloadDataset", "alice");
    let proof = Granted::for_tests(permit, "ds_1");
    let request = DownloadDatasetRequest::default();
    let reply = world.platform.datasets.download_dataset(proof, request).await.unwrap();
    reply.map(|piece| Ok(piece.map_err(Status::from)?.chunk.unwrap().path))
}
