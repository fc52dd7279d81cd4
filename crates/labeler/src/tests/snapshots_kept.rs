//! What snapshots hold on to, and what they bring back: files, their dataset, differences.

use hallpass_contract::labeler as wire;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic_types::StatusExt;

use super::snapshots::Place;
use super::world::{image, sample_files};

#[tokio::test]
async fn differences_are_added_removed_changed_and_split() {
    let place = Place::new().await;
    let before = place.snapshot("before").await;
    let mut files = sample_files();
    files.retain(|(path, _)| path != "circle/01.png");
    files.push(image("circle/00.png"));
    files.iter_mut().find(|(path, _)| path == "README.md").unwrap().1 = b"other".to_vec();
    place.revise(&files).await;
    let after = place.snapshot("after").await;
    let whole = place.diff(&before.snapshot_id, &after.snapshot_id, 0).await;
    let shown: Vec<_> = whole
        .iter()
        .map(|change| (change.path.as_str(), change.before.is_some(), change.after.is_some()))
        .collect();
    assert_eq!(
        shown,
        [("README.md", true, true), ("circle/00.png", false, true), ("circle/01.png", true, false)]
    );
    assert_eq!(place.diff(&before.snapshot_id, &after.snapshot_id, 1).await, whole);
    let back = place.diff(&after.snapshot_id, &before.snapshot_id, 2).await;
    let swapped = |change: &wire::SnapshotChange| wire::SnapshotChange {
        path: change.path.clone(),
        before: change.after.clone(),
        after: change.before.clone(),
    };
    assert_eq!(back, whole.iter().map(swapped).collect::<Vec<_>>());
    place.split_all().await;
    let split = place.snapshot("split").await;
    let splits = place.diff(&after.snapshot_id, &split.snapshot_id, 5).await;
    assert_eq!(splits.len(), 12);
    assert!(splits.iter().all(|change| change.after.as_ref().unwrap().split == 1));
    assert_eq!(place.diff(&split.snapshot_id, &split.snapshot_id, 0).await, []);
}

/// The dataset goes on; the snapshot has the old files until it goes, and then they go, too.
#[tokio::test]
async fn files_stay_as_long_as_a_snapshot_needs_them() {
    let place = Place::new().await;
    let (first, second) = (place.snapshot("a").await, place.snapshot("b").await);
    let mut old = sample_files();
    old.sort();
    let new = vec![image("star/01.png")];
    place.revise(&new).await;
    assert_eq!(place.world.stored_files(), 13 + 1);
    for id in [&first.snapshot_id, &second.snapshot_id] {
        assert!(place.all_of(id).await == old, "the old files differ");
    }
    place.delete(&"alice".into(), &first.snapshot_id).await.unwrap();
    assert!(place.all_of(&second.snapshot_id).await == old, "the other one needs them");
    place.delete(&"alice".into(), &second.snapshot_id).await.unwrap();
    assert_eq!(place.world.stored_files(), 1);
    let left = place.world.download(&place.world.user("alice"), &place.id, "", 0).await.unwrap();
    assert!(left == new, "the dataset has lost its own");
}

#[tokio::test]
async fn a_dataset_that_snapshots_need_is_kept_and_they_are_named() {
    let place = Place::new().await;
    let alice = place.world.user("alice");
    let mut made = Vec::new();
    for n in 1..=12 {
        made.push(place.snapshot(&format!("State {n}")).await.snapshot_id);
    }
    let refused = place.world.delete(&alice, &place.id, "").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "SNAPSHOT_NEEDS_DATASET");
    for (n, id) in made.iter().enumerate() {
        let named = refused.message().contains(&format!("{id} \"State {}\"", n + 1));
        assert_eq!(named, n < 10, "{refused}");
    }
    assert!(refused.message().contains("and 2 more"), "{refused}");
    for id in &made {
        place.delete(&"alice".into(), id).await.unwrap();
    }
    assert_eq!(place.world.stored_files(), 13, "the dataset needs them all");
    place.world.delete(&alice, &place.id, "").await.unwrap();
    assert_eq!(place.world.stored_files(), 0);
}

#[tokio::test]
async fn one_file_and_what_is_behind_it_comes_from_any_byte_on() {
    let place = Place::new().await;
    let id = place.snapshot("a").await.snapshot_id;
    let whole = place.all_of(&id).await;
    let from = |path: &str, offset, onwards| wire::DownloadSnapshotRequest {
        snapshot_id: id.clone(),
        path: path.to_owned(),
        offset,
        onwards,
    };
    for (at, (path, data)) in whole.iter().enumerate() {
        let offset = data.len() / 2;
        let mut rest = whole[at..].to_vec();
        rest[0].1.drain(..offset);
        let back = place.download(from(path, offset as u64, true)).await.unwrap();
        assert!(back == rest, "onwards from {path}");
        let one = place.download(from(path, offset as u64, false)).await.unwrap();
        assert!(one == rest[..1], "from {path}");
    }
    let wrong = [
        (from("circle/99.png", 0, true), Code::NotFound),
        (from("circle/01.png", 1 << 40, true), Code::OutOfRange),
        (from("", 0, true), Code::InvalidArgument),
        (from("", 1, false), Code::InvalidArgument),
    ];
    for (request, code) in wrong {
        assert_eq!(place.download(request.clone()).await.unwrap_err().code(), code, "{request:?}");
    }
}

#[tokio::test]
async fn a_snapshot_deleted_meanwhile_ends_the_download_with_an_error() {
    let place = Place::new().await;
    let id = place.snapshot("a").await.snapshot_id;
    place.revise(&[image("star/01.png")]).await;
    let caller = place.mint.caller(&place.world, &"alice".into());
    let request = wire::DownloadSnapshotRequest { snapshot_id: id.clone(), ..Default::default() };
    let mut reply = caller.snapshots().download_snapshot(request).await.unwrap().into_inner();
    reply.next().await.unwrap().unwrap();
    place.delete(&"alice".into(), &id).await.unwrap();
    let ended = loop {
        match reply.next().await {
            Some(Ok(_)) => {}
            Some(Err(ended)) => break ended,
            None => panic!("the download ended as if all was sent"),
        }
    };
    assert_eq!(ended.code(), Code::Aborted);
    assert_eq!(ended.get_details_error_info().unwrap().reason, "SNAPSHOT_DELETED");
}
