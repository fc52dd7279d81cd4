//! Uploads that break off and go on: what counts as received is there, whatever happened.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use hallpass_contract::can::WriteUpload;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::UploadService;

use super::uploads_steps::{begin, data_of, long_text, rest, whole};
use super::world::{World, image, sample_files};
use crate::Settings;

const MIB: usize = 1 << 20;

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn an_upload_in_several_calls_makes_the_dataset() {
    let world = World::new().await;
    let alice = world.user("alice");
    let upload = world.open_upload(&alice, "Shapes").await;
    assert_eq!((upload.file_count, upload.size_bytes, upload.revision), (0, 0, false));
    let files = sample_files();
    world.write_whole(&alice, &upload.upload_id, &files[..5]).await;
    let world = world.restarted().await;
    world.write_whole(&alice, &upload.upload_id, &files[5..]).await;
    let received = world.received(&alice, &upload.upload_id).await;
    assert_eq!(received.len(), 13);
    assert!(
        received
            .iter()
            .all(|file| file.received_bytes == file.size_bytes && file.sha256.len() == 32)
    );
    assert_eq!(world.list(&alice, 0, "").await.unwrap().datasets, []);
    let open = world.open_uploads(&alice).await;
    assert_eq!((open.len(), open[0].file_count), (1, 13));
    let dataset = world.finish(&alice, &upload.upload_id, |_| {}).await.unwrap();
    assert_eq!((dataset.dataset_id.as_str(), dataset.item_count), (upload.dataset_id.as_str(), 12));
    assert_eq!((dataset.file_count, dataset.display_name.as_str()), (13, "Shapes"));
    assert_eq!(world.stored_files(), 13);
    let mut downloaded = world.download(&alice, &dataset.dataset_id, "", 0).await.unwrap();
    downloaded.sort();
    assert_eq!(downloaded, files);
    assert_eq!(world.open_uploads(&alice).await, []);
    assert_eq!(
        world.finish(&alice, &upload.upload_id, |_| {}).await.unwrap_err().code(),
        Code::PermissionDenied
    );
}

/// Cut anywhere, a long file goes on from what the list says, and is the same in the end.
#[tokio::test]
async fn a_long_file_goes_on_where_the_list_says() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    world.write_whole(&alice, &id, &[image("a/1.png")]).await;
    let long = long_text(20 * MIB + 17);
    // The stream breaks off behind 9 MiB, then behind 8 more, then ends well behind 10 bytes.
    let mut broken = whole(&long);
    broken.truncate(10);
    broken.push(Err(Status::cancelled("cut")));
    assert_eq!(world.write(&alice, &id, broken).await.unwrap_err().code(), Code::Cancelled);
    let has = |files: Vec<wire::UploadFile>| usize::try_from(files[0].received_bytes).unwrap();
    let first = has(world.received(&alice, &id).await);
    assert_eq!(first, 9 * MIB);
    let mut broken = rest(&long, first);
    broken.truncate(9);
    broken.push(Err(Status::cancelled("cut")));
    world.write(&alice, &id, broken).await.unwrap_err();
    let world = world.restarted().await;
    let second = has(world.received(&alice, &id).await);
    assert_eq!(second, 17 * MIB);
    let ten =
        vec![Ok(begin("LICENSE", long.1.len(), second)), Ok(data_of(&long.1[second..second + 10]))];
    world.write(&alice, &id, ten).await.unwrap();
    let third = has(world.received(&alice, &id).await);
    assert_eq!(third, second + 10);
    let incomplete = world.finish(&alice, &id, |_| {}).await.unwrap_err();
    assert_eq!(
        (incomplete.code(), reason(&incomplete)),
        (Code::FailedPrecondition, "UPLOAD_INCOMPLETE".into())
    );
    assert!(
        incomplete.message().contains("\"LICENSE\" has 17825802 of 20971537 bytes"),
        "{}",
        incomplete.message()
    );
    assert_eq!(world.write(&alice, &id, rest(&long, third)).await.unwrap().file_count, 1);
    assert_eq!(world.stored_files(), 2, "the parts have gone into one object");
    let dataset = world.finish(&alice, &id, |_| {}).await.unwrap();
    let found = world.download(&alice, &dataset.dataset_id, "LICENSE", 0).await.unwrap();
    assert!(found[0].1 == long.1);
}

#[tokio::test]
async fn a_wrong_way_to_go_on_is_told_the_right_one() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let ten = vec![Ok(begin("LICENSE", 20, 0)), Ok(data_of(&[b'x'; 10]))];
    world.write(&alice, &id, ten).await.unwrap();
    for (path, offset, right) in
        [("LICENSE", 9, "10"), ("LICENSE", 11, "10"), ("README.md", 5, "0")]
    {
        let refused =
            world.write(&alice, &id, vec![Ok(begin(path, 20, offset))]).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused)),
            (Code::FailedPrecondition, "OFFSET_MISMATCH".into())
        );
        let details = refused.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["offset"], right);
    }
    let table: [(Vec<wire::WriteFilesRequest>, &str); 8] = [
        (vec![begin("LICENSE", 30, 10)], "was begun with 20 bytes and goes on with 30"),
        (vec![begin("LICENSE", 20, 21)], "file.offset"),
        (vec![begin("LICENSE", 20, 10), data_of(&[b'x'; 11])], "has more than the 20 bytes"),
        (
            vec![begin("LICENSE", 20, 10), begin("b.md", 1, 0)],
            "has 10 of 20 bytes, and another file begins",
        ),
        (vec![data_of(b"x")], "belongs to no file"),
        (vec![begin("../x.md", 1, 0)], "the path has the part"),
        (vec![begin("x.exe", 1, 0)], "is neither an image"),
        (vec![wire::WriteFilesRequest::default()], "file: must be set"),
    ];
    for (messages, problem) in table {
        let messages = messages.into_iter().map(Ok).collect();
        let refused = world.write(&alice, &id, messages).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{problem}");
        assert!(refused.message().contains(problem), "{}", refused.message());
    }
    let received = world.received(&alice, &id).await;
    assert_eq!((received.len(), received[0].received_bytes), (1, 10));
}

#[tokio::test]
async fn hashes_are_checked_over_the_whole_file() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let long = long_text(8 * MIB + 5);
    let begun = vec![Ok(begin("LICENSE", long.1.len(), 0)), Ok(data_of(&long.1[..MIB]))];
    world.write(&alice, &id, begun).await.unwrap();
    let announced = |sha256: Vec<u8>| {
        let mut messages = rest(&long, MIB);
        let Ok(wire::WriteFilesRequest { part: Some(wire::write_files_request::Part::File(file)) }) =
            &mut messages[0]
        else {
            unreachable!()
        };
        file.sha256 = sha256.into();
        messages
    };
    let wrong = world.write(&alice, &id, announced(vec![7; 32])).await.unwrap_err();
    assert_eq!(reason(&wrong), "SHA256_MISMATCH");
    let short = world.write(&alice, &id, announced(vec![7; 31])).await.unwrap_err();
    assert!(short.message().contains("file.sha256: must have 32 bytes"), "{}", short.message());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &long.1);
    let received = usize::try_from(world.received(&alice, &id).await[0].received_bytes).unwrap();
    let mut messages = announced(digest.as_ref().to_vec());
    if let Ok(wire::WriteFilesRequest { part: Some(wire::write_files_request::Part::File(file)) }) =
        &mut messages[0]
    {
        file.offset = received as u64;
    }
    messages.truncate(1);
    messages.extend(rest(&long, received).into_iter().skip(1));
    world.write(&alice, &id, messages).await.unwrap();
    assert_eq!(world.received(&alice, &id).await[0].sha256, digest.as_ref());
}

/// The image's check sees the bytes that came before the break, too.
#[tokio::test]
async fn an_image_is_checked_across_a_break() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let (path, data) = image("a/1.png");
    let half = data.len() / 2;
    let first = || vec![Ok(begin(&path, data.len(), 0)), Ok(data_of(&data[..half]))];
    world.write(&alice, &id, first()).await.unwrap();
    let nonsense =
        vec![Ok(begin(&path, data.len(), half)), Ok(data_of(&vec![0; data.len() - half]))];
    let refused = world.write(&alice, &id, nonsense).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{}", refused.message());
    let right = vec![Ok(begin(&path, data.len(), half)), Ok(data_of(&data[half..]))];
    world.write(&alice, &id, right).await.unwrap();
    assert_eq!(world.finish(&alice, &id, |_| {}).await.unwrap().item_count, 1);
}

#[tokio::test]
async fn a_file_has_one_writer_at_a_time() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let (client, received) = mpsc::channel(1);
    let first = Box::pin(tokio_stream::wrappers::ReceiverStream::new(received).map(Ok));
    let (handlers, proof) = (world.uploads(), world.may::<WriteUpload>(&alice, &id).await.unwrap());
    let call = tokio::spawn(async move {
        handlers.write_files(proof, wire::WriteFilesRequest::default(), first).await
    });
    client.send(begin("LICENSE", 20, 0)).await.unwrap();
    let until = async {
        while world.labeler.datasets.claims.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), until).await.unwrap();
    let second = world.write(&alice, &id, vec![Ok(begin("LICENSE", 20, 0))]).await.unwrap_err();
    assert_eq!((second.code(), reason(&second)), (Code::Aborted, "FILE_BUSY".into()));
    client.send(data_of(&[b'x'; 20])).await.unwrap();
    drop(client);
    assert_eq!(call.await.unwrap().map_err(Status::from).unwrap().file_count, 1);
    let again = vec![Ok(begin("LICENSE", 20, 0)), Ok(data_of(&[b'y'; 20]))];
    world.write(&alice, &id, again).await.unwrap();
    assert_eq!(world.stored_files(), 1, "the one that was replaced is gone");
}

/// Small files that are written when the call is dropped count, and nothing else does.
#[tokio::test]
async fn a_dropped_call_keeps_what_came() {
    let world = World::new().await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let (client, received) = mpsc::channel(1);
    let rest = Box::pin(tokio_stream::wrappers::ReceiverStream::new(received).map(Ok));
    let (handlers, proof) = (world.uploads(), world.may::<WriteUpload>(&alice, &id).await.unwrap());
    let call = tokio::spawn(async move {
        handlers.write_files(proof, wire::WriteFilesRequest::default(), rest).await
    });
    for file in sample_files() {
        for message in whole(&file) {
            client.send(message.unwrap()).await.unwrap();
        }
    }
    client.send(begin("LICENSE", 100, 0)).await.unwrap();
    client.send(data_of(b"half")).await.unwrap();
    client.reserve().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.labeler.settled().await;
    let received = world.received(&alice, &id).await;
    assert!(received.len() >= 12, "{}", received.len());
    assert_eq!(world.stored_files(), received.len());
    world.cancel(&alice, &id).await.unwrap();
    assert_eq!(world.stored_files(), 0);
    assert_eq!(world.open_uploads(&alice).await, []);
}

#[tokio::test]
async fn a_client_that_falls_silent_loses_its_place_and_nothing_else() {
    let settings = Settings { idle: Duration::from_millis(50), ..Settings::default() };
    let world = World::with(settings).await;
    let alice = world.user("alice");
    let id = world.open_upload(&alice, "a").await.upload_id;
    let (client, received) = mpsc::channel(100);
    for file in &sample_files()[..3] {
        for message in whole(file) {
            client.send(message).await.unwrap();
        }
    }
    let rest = Box::pin(tokio_stream::wrappers::ReceiverStream::new(received));
    let proof = world.may::<WriteUpload>(&alice, &id).await.unwrap();
    let handlers = world.uploads();
    let call = handlers.write_files(proof, wire::WriteFilesRequest::default(), rest);
    let silent = Status::from(call.await.unwrap_err());
    assert_eq!((silent.code(), reason(&silent)), (Code::DeadlineExceeded, "UPLOAD_IDLE".into()));
    assert_eq!(world.received(&alice, &id).await.len(), 3);
}
