//! How many uploads there are: one for a request, so many for a user, none that has expired.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::uploads_steps::whole;
use super::world::{World, image};
use crate::Settings;

const REQUEST: &str = "123e4567-e89b-12d3-a456-426614174000";

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn the_same_request_opens_one_upload_and_finds_its_dataset() {
    let world = World::new().await;
    let alice = world.user("alice");
    let open = |name| world.create_upload(&alice, name, REQUEST);
    let first = open("a").await.unwrap().upload.unwrap();
    assert_eq!(open("a").await.unwrap().upload.unwrap().upload_id, first.upload_id);
    let reused = open("b").await.unwrap_err();
    assert_eq!((reused.code(), reason(&reused)), (Code::AlreadyExists, "REQUEST_ID_REUSED".into()));
    let bobs = world.create_upload(&world.user("bob"), "b", REQUEST).await.unwrap();
    assert_ne!(bobs.upload.unwrap().upload_id, first.upload_id);
    world.write_whole(&alice, &first.upload_id, &[image("a/1.png")]).await;
    let dataset = world.finish(&alice, &first.upload_id, |_| {}).await.unwrap();
    let repeated = open("a").await.unwrap();
    assert_eq!((repeated.upload, repeated.dataset), (None, Some(dataset)));
    assert_eq!(open("b").await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn open_uploads_are_bounded_and_expire() {
    let settings = Settings {
        max_open_uploads: 2,
        max_open_bytes: 100,
        upload_lifetime: Duration::from_hours(1),
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let alice = world.user("alice");
    let first = world.open_upload(&alice, "a").await.upload_id;
    let second = world.open_upload(&alice, "b").await.upload_id;
    let third = world.create_upload(&alice, "c", "").await.unwrap_err();
    assert_eq!(
        (third.code(), reason(&third)),
        (Code::ResourceExhausted, "TOO_MANY_UPLOADS".into())
    );
    world.open_upload(&world.user("bob"), "c").await;
    world.write_whole(&alice, &first, &[("README.md".into(), vec![b'x'; 60])]).await;
    let messages = whole(&("README.md".into(), vec![b'x'; 60]));
    let too_much = world.write(&alice, &second, messages).await.unwrap_err();
    assert_eq!(
        (too_much.code(), reason(&too_much)),
        (Code::ResourceExhausted, "UPLOADS_TOO_BIG".into())
    );
    assert_eq!((world.received(&alice, &second).await.len(), world.stored_files()), (0, 1));
    world.advance(3000);
    world.write_whole(&alice, &first, &[("LICENSE".into(), vec![b'x'; 1])]).await;
    world.advance(3000);
    // A write has moved the first one's end; the second one's has come.
    let alice = world.user("alice");
    let open: Vec<_> =
        world.open_uploads(&alice).await.into_iter().map(|one| one.upload_id).collect();
    assert_eq!(open, [first.as_str()]);
    world.advance(3000);
    assert_eq!(world.open_uploads(&world.user("alice")).await, []);
    world.labeler.datasets.sweep_uploads(false).await.unwrap();
    assert_eq!(world.stored_files(), 0);
}
