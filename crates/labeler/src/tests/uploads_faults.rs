//! Stores that fail in the middle: clear errors, nothing half-made, and all is well once the store is.

use tonic::Code;

use super::uploads_steps::whole;
use super::world::{World, image, sample_files};

/// A file where the folder was: every write fails. When the folder is back, the same upload goes on.
#[tokio::test]
async fn an_upload_goes_on_when_its_store_is_back() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    world.write_whole(&alice, &id, &[image("a/1.png")]).await;
    let (store, aside) = (world.store(), world.folder.path().join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    std::fs::write(&store, "").unwrap();
    let messages = whole(&image("a/2.png"));
    let failed = world.write(&alice, &id, messages.clone()).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::Unavailable, "the store does not answer"));
    assert!(world.labeler.ready().await.is_err());
    assert_eq!(world.received(&alice, &id).await.len(), 1);
    std::fs::remove_file(&store).unwrap();
    std::fs::rename(&aside, &store).unwrap();
    assert!(world.labeler.ready().await.is_ok());
    world.write(&alice, &id, messages).await.unwrap();
    assert_eq!(world.finish(&alice, &id, |_| {}).await.unwrap().item_count, 2);
    assert_eq!(world.stored_files(), 2);
}

/// What a process leaves that dies: objects without rows in an open upload, single calls that never ended.
#[tokio::test]
async fn what_a_dead_process_left_is_swept() {
    let world = World::new().await;
    let alice = world.user("alice");
    let dataset = world.sample_of("alice").await;
    let upload = world.open_upload(&alice, "a").await;
    world.write_whole(&alice, &upload.upload_id, &[image("a/1.png")]).await;
    let folder = world.store().join(&upload.dataset_id);
    let number =
        world.stored(&upload.dataset_id)[0].file_name().unwrap().to_str().unwrap().parse::<u64>();
    let number = number.unwrap();
    std::fs::write(folder.join((number + 1).to_string()), "written and not recorded").unwrap();
    std::fs::write(folder.join(format!("{}#1", number + 2)), "half-written").unwrap();
    let world = world.restarted().await;
    assert_eq!(world.received(&alice, &upload.upload_id).await.len(), 1);
    let made = world.finish(&alice, &upload.upload_id, |_| {}).await.unwrap();
    assert_eq!(world.stored(&made.dataset_id).len(), 1);
    assert_eq!(world.stored(&dataset.dataset_id).len(), 13);
    assert_eq!(sample_files().len(), 13);
}
