//! The end of an upload: what becomes a dataset, what is refused, how a dataset changes.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{World, image};
use crate::model::manifest::Manifest;
use crate::model::spec::digest;

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

fn sorted(mut files: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    files.sort();
    files
}

#[tokio::test]
async fn every_format_becomes_a_dataset() {
    use hallpass_formats::testing;
    let world = World::new().await;
    let alice = world.user("alice");
    let table = [
        (testing::image_folder(12), wire::DatasetFormat::ImageFolder),
        (testing::coco(12), wire::DatasetFormat::Coco),
        (testing::yolo(12), wire::DatasetFormat::Yolo),
        (testing::csv(12), wire::DatasetFormat::Csv),
    ];
    for (files, format) in table {
        let id = world.open_upload(&alice, "a").await.upload_id;
        world.write_whole(&alice, &id, &files).await;
        let dataset = world.finish(&alice, &id, |_| {}).await.unwrap();
        assert_eq!((dataset.format, dataset.item_count), (i32::from(format), 12));
        assert_eq!((dataset.classes.len(), dataset.file_count), (3, files.len() as u64));
        let splits: u64 = dataset.splits.iter().map(|split| split.item_count).sum();
        assert!(splits == 12 || dataset.splits.is_empty(), "{:?}", dataset.splits);
        assert_eq!(dataset.splits.is_empty(), format == wire::DatasetFormat::ImageFolder);
        let found = world.download(&alice, &dataset.dataset_id, "", 0).await.unwrap();
        assert_eq!(sorted(found), sorted(files));
    }
}

#[tokio::test]
async fn refused_files_are_named_with_their_line_and_can_be_mended() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let labels = |text: &str| ("labels.csv".to_owned(), text.as_bytes().to_vec());
    let files = [image("1.png"), labels("file,label\n1.png,cat\n2.png,dog\n")];
    world.write_whole(&alice, &id, &files).await;
    let refused = world.finish(&alice, &id, |_| {}).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        (Code::InvalidArgument, "UPLOAD_REFUSED".into())
    );
    let details = refused.get_error_details();
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "files");
    assert!(violation.description.starts_with("labels.csv line 3: "), "{}", violation.description);
    assert!(refused.message().contains("labels.csv line 3: "), "{}", refused.message());
    world.write_whole(&alice, &id, &[labels("file,label\n1.png,cat\n")]).await;
    let dataset = world.finish(&alice, &id, |_| {}).await.unwrap();
    assert_eq!((dataset.item_count, world.stored_files()), (1, 2));
}

/// An answer's metadata has room for so much only, whatever is wrong.
#[tokio::test]
async fn many_long_problems_fit_into_an_answer() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let long = format!("{0}/{0}/{0}", "w".repeat(250));
    let rows: Vec<_> = (0..100).map(|row| format!("{long}/{row}.png,cat")).collect();
    let rows = rows.join("\n");
    let labels = ("labels.csv".to_owned(), format!("file,label\n1.png,cat\n{rows}").into_bytes());
    world.write_whole(&alice, &id, &[image("1.png"), labels]).await;
    let refused = world.finish(&alice, &id, |_| {}).await.unwrap_err();
    let size = refused.message().len() + refused.details().len() * 4 / 3;
    assert!(size < 8000, "{size} bytes");
    assert!(refused.message().contains("more"), "{}", refused.message());
}

#[tokio::test]
async fn the_content_must_have_the_hash_that_was_announced() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let files = [image("a/1.png"), image("b/2.png")];
    world.write_whole(&alice, &id, &files).await;
    let wrong = world.finish(&alice, &id, |finish| finish.content_sha256 = vec![7; 32].into());
    assert_eq!(reason(&wrong.await.unwrap_err()), "CONTENT_MISMATCH");
    let mut manifest = Manifest::new();
    for (path, data) in &files {
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        hash.update(data);
        manifest.add(path, &digest(hash), data.len() as u64, None).unwrap();
    }
    let right = manifest.finish().to_vec();
    let dataset = world.finish(&alice, &id, |finish| finish.content_sha256 = right.into()).await;
    assert_eq!(dataset.unwrap().item_count, 2);
}

#[tokio::test]
async fn a_revision_lays_files_over_and_may_drop_the_others() {
    let world = World::new().await;
    let alice = world.user("alice");
    let before = world.sample_of("alice").await;
    let id = before.dataset_id.as_str();
    let upload = world.revise(&alice, id).await.unwrap();
    assert!(upload.revision && upload.dataset_id == id);
    let other = hallpass_formats::testing::png(9, 9, 7);
    let files = [("circle/01.png".to_owned(), other.clone()), ("star/01.png".to_owned(), other)];
    world.write_whole(&alice, &upload.upload_id, &files).await;
    assert_eq!(world.get(&alice, id).await.unwrap(), before, "nothing is seen before the end");
    let after = world.finish(&alice, &upload.upload_id, |_| {}).await.unwrap();
    assert_eq!((after.item_count, after.file_count, after.classes.len()), (13, 14, 4));
    assert_ne!(after.etag, before.etag);
    assert_eq!((&after.owner, &after.create_time), (&before.owner, &before.create_time));
    let found = world.download(&alice, id, "circle/01.png", 0).await.unwrap();
    assert_eq!(found[0].1, files[0].1);
    assert_eq!(world.stored_files(), 14, "the file that was replaced is gone");
    let upload = world.revise(&alice, id).await.unwrap();
    world.write_whole(&alice, &upload.upload_id, &[image("moon/1.png")]).await;
    let after = world.finish(&alice, &upload.upload_id, |finish| finish.remove_others = true).await;
    let after = after.unwrap();
    assert_eq!((after.item_count, after.file_count, world.stored_files()), (1, 1, 1));
    assert_eq!(after.display_name, "Shapes");
}

#[tokio::test]
async fn a_revision_that_is_dropped_or_refused_changes_nothing() {
    let world = World::new().await;
    let alice = world.user("alice");
    let before = world.sample_of("alice").await;
    let id = before.dataset_id.as_str();
    let upload = world.revise(&alice, id).await.unwrap().upload_id;
    world.write_whole(&alice, &upload, &[image("circle/01.png/x.png")]).await;
    let refused = world.finish(&alice, &upload, |_| {}).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_REFUSED");
    world.cancel(&alice, &upload).await.unwrap();
    assert_eq!(world.get(&alice, id).await.unwrap(), before);
    assert_eq!(world.stored_files(), 13);
    assert_eq!(
        world.revise(&world.user("bob"), id).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}

/// Two revisions at once: the second one to end is laid over what the first one made.
#[tokio::test]
async fn two_revisions_follow_each_other() {
    let world = World::new().await;
    let alice = world.user("alice");
    let dataset = world.sample_of("alice").await.dataset_id;
    let one = world.revise(&alice, &dataset).await.unwrap().upload_id;
    let other = world.revise(&alice, &dataset).await.unwrap().upload_id;
    world.write_whole(&alice, &one, &[image("star/1.png")]).await;
    world.write_whole(&alice, &other, &[image("moon/1.png")]).await;
    let (first, second) =
        tokio::join!(world.finish(&alice, &one, |_| {}), world.finish(&alice, &other, |_| {}));
    first.unwrap();
    second.unwrap();
    assert_eq!(world.get(&alice, &dataset).await.unwrap().item_count, 14);
    assert_eq!(world.stored_files(), 15);
}
