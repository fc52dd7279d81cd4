//! A disk that is nearly full takes nothing new, and whatever makes room goes on.

use hallpass_contract::can::WriteDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::SnapshotService;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::uploads_steps::whole;
use super::world::{World, image, sample_files, start};
use crate::Settings;
use crate::snapshots::service::SnapshotHandlers;

async fn snapshot(world: &World, id: &str) -> Result<(), Status> {
    let proof = world.may::<WriteDataset>(&world.user("alice"), id).await?;
    let handlers = SnapshotHandlers::new(std::sync::Arc::clone(&world.labeler.datasets));
    let request = wire::CreateSnapshotRequest {
        dataset_id: id.to_owned(),
        display_name: "as it is".to_owned(),
        ..Default::default()
    };
    Ok(handlers.create_snapshot(proof, request).await.map(drop)?)
}

#[tokio::test]
async fn a_nearly_full_disk_takes_nothing_new_and_lets_everything_go() {
    let world = World::new().await;
    let (alice, files) = (world.user("alice"), sample_files());
    let (one, two) = (world.sample_of("alice").await, world.sample_of("alice").await);
    let open = world.open_upload(&alice, "a").await.upload_id;
    world.write_whole(&alice, &open, &[image("a/1.png")]).await;

    let keep_free = Some(u64::MAX);
    let world = world.restarted_with(Settings { keep_free, ..Settings::default() }).await;
    let more = whole(&image("a/2.png"));
    for (what, refused) in [
        ("CreateUpload", world.create_upload(&alice, "b", "").await.map(drop)),
        ("WriteFiles", world.write(&alice, &open, more.clone()).await.map(drop)),
        ("FinishUpload", world.finish(&alice, &open, |_| {}).await.map(drop)),
        ("CreateRevision", world.revise(&alice, &one.dataset_id).await.map(drop)),
        ("CreateDataset", world.upload(&alice, start("c"), &files).await.map(drop)),
        ("CreateSnapshot", snapshot(&world, &one.dataset_id).await),
    ] {
        let Err(refused) = refused else { panic!("{what} is taken") };
        let reason = refused.get_error_details().error_info().unwrap().reason.clone();
        assert_eq!((refused.code(), reason.as_str()), (Code::ResourceExhausted, "DISK_FULL"));
        assert!(refused.message().contains("nearly full: try again later"), "{what}: {refused:?}");
    }
    assert_eq!(world.received(&alice, &open).await.len(), 1);
    world.download(&alice, &one.dataset_id, "", 0).await.unwrap();
    world.delete(&alice, &one.dataset_id, "").await.unwrap();
    world.cancel(&alice, &open).await.unwrap();
    assert_eq!(world.stored_files(), files.len(), "only the other dataset is left");

    let world = world.restarted().await;
    let open = world.open_upload(&alice, "a").await.upload_id;
    world.write(&alice, &open, more).await.unwrap();
    world.finish(&alice, &open, |_| {}).await.unwrap();
    snapshot(&world, &two.dataset_id).await.unwrap();
}

/// Whoever waits for a disk with room is not taken for one who waits for a turn.
#[tokio::test]
async fn what_is_refused_for_want_of_space_holds_no_turn() {
    let world = World::new().await;
    let alice = world.user("alice");
    let open = world.open_upload(&alice, "a").await.upload_id;
    world.write_whole(&alice, &open, &[image("a/1.png")]).await;
    let keep_free = Some(u64::MAX);
    let world = world.restarted_with(Settings { keep_free, ..Settings::default() }).await;
    for _ in 0..3 {
        let refused = world.finish(&alice, &open, |_| {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
    }
    assert!(world.labeler.datasets.reading.alone(&open).is_some());
}
