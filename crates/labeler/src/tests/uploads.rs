//! Uploads: what is stored, what is refused and by which name, and that a broken one leaves nothing.

use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wire::create_dataset_request::Part;

use super::world::{File, World, chunk, image, sample_files, start};
use crate::Settings;

#[tokio::test]
async fn the_sample_is_stored_counted_and_described() {
    let world = World::new().await;
    let dataset = world.sample_of("alice").await;
    let classes: Vec<_> = dataset.classes.iter().map(|c| (c.name.as_str(), c.item_count)).collect();
    assert_eq!(classes, [("circle", 4), ("square", 4), ("triangle", 4)]);
    let size: usize = sample_files().iter().map(|(_, data)| data.len()).sum();
    assert_eq!((dataset.item_count, dataset.size_bytes), (12, size as u64));
    assert_eq!((dataset.owner.as_str(), dataset.display_name.as_str()), ("alice", "Shapes"));
    assert_eq!(dataset.format, i32::from(wire::DatasetFormat::ImageFolder));
    assert_eq!(dataset.visibility, i32::from(wire::Visibility::Private));
    assert_eq!(dataset.storage_path, format!("datasets/{}", dataset.dataset_id));
    assert_eq!(dataset.create_time.unwrap().seconds, 1_800_000_000);
    assert!(!dataset.etag.is_empty());
    assert_eq!(world.stored_files(), 13);
    assert_eq!(world.get(&world.user("alice"), &dataset.dataset_id).await.unwrap(), dataset);
}

/// A refusal names the file and leaves nothing, whatever came before.
#[tokio::test]
async fn refusals_name_the_file_and_leave_nothing() {
    let world = World::new().await;
    let cut = sample_files()[1].1[..100].to_vec();
    let table: Vec<(File, &str, &str)> = vec![
        (
            ("cat/1.png".into(), vec![]),
            "chunk",
            "file \"cat/1.png\": is empty; copy it again, or leave it out",
        ),
        (
            ("cat/1.png".into(), cut),
            "chunk",
            "file \"cat/1.png\": is a truncated PNG: it ends before its IEND chunk; copy it again, or leave it out",
        ),
        (
            ("cat/1.png".into(), b"<html>not an image</html>".into()),
            "chunk",
            "file \"cat/1.png\": is named as a PNG image and holds a web page or other markup, perhaps of a download that \
             failed: fetch it again",
        ),
        (
            ("cat/1.txt".into(), b"a cat".into()),
            "files",
            "cat/1.txt: lies in a class folder, where only images may be",
        ),
        (
            ("cat/.DS_Store".into(), b"x".into()),
            "chunk",
            "file \"cat/.DS_Store\": is a hidden file or one that a system has left behind: leave it out",
        ),
        (
            image("1.png"),
            "files",
            "no format fits: imagefolder has each image in the folder of its class, but 1.png lies in none; \
             coco has a JSON file with \"images\"; yolo has data.yaml or classes.txt; csv has labels.csv",
        ),
        (image("../1.png"), "chunk", "file \"../1.png\": the path has the part \".\" or \"..\""),
        (image("/etc/passwd"), "chunk", "file \"/etc/passwd\": the path has an empty part"),
        (
            image("cat/\u{202e}gnp.png"),
            "chunk",
            "file \"cat/\\u{202e}gnp.png\": the path holds the character U+202E, which is not allowed",
        ),
        (
            image("circle/01.png/1.png"),
            "chunk",
            "file \"circle/01.png/1.png\": lies in a folder that is also a file",
        ),
        (image("circle/01.png"), "chunk", "file \"circle/01.png\": comes twice"),
    ];
    for (file, field, problem) in table {
        let files = [sample_files(), vec![file]].concat();
        let refused = world.upload(&world.user("alice"), start("a"), &files).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{problem}");
        assert!(refused.message().contains(problem), "{}", refused.message());
        let details = refused.get_error_details();
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!((violation.field.as_str(), violation.description.as_str()), (field, problem));
        assert_eq!(world.stored_files(), 0, "{problem}");
    }
    assert_eq!(world.list(&world.user("alice"), 0, "").await.unwrap().datasets, []);
}

/// Whole files may still be on their way to the disk when a later one is refused: none of them lands afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn no_write_lands_after_the_refusal() {
    let world = World::new().await;
    let broken = ("d/4.png".to_owned(), b"not an image".to_vec());
    let files = [image("d/1.png"), image("d/2.png"), image("d/3.png"), broken];
    for _ in 0..100 {
        assert!(world.upload(&world.user("alice"), start("a"), &files).await.is_err());
    }
    assert_eq!(world.stored_files(), 0);
}

#[tokio::test]
async fn bounds_are_kept() {
    let settings = Settings {
        max_file_bytes: 200,
        max_files: 3,
        max_dataset_bytes: 350,
        max_classes: 2,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let readme = |size| ("README.md".to_owned(), vec![b'x'; size]);
    let table: Vec<(Vec<File>, &str)> = vec![
        (
            vec![image("a/1.png"), readme(201)],
            "file \"README.md\": is too big; 200 bytes are allowed",
        ),
        (
            vec![image("a/1.png"), image("a/2.png"), image("a/3.png"), image("a/4.png")],
            "file \"a/4.png\": is one file too many; 3 are allowed",
        ),
        (
            vec![image("a/1.png"), image("b/1.png"), image("c/1.png")],
            "c/1.png: the class \"c\" is one too many; 2 are allowed",
        ),
        (
            vec![image("a/1.png"), image("a/2.png"), readme(200)],
            "the upload is too big; 350 bytes are allowed",
        ),
        (vec![readme(1)], "the upload is refused: the dataset holds no images"),
        (vec![], "the upload is refused: the dataset holds no images"),
    ];
    for (files, message) in table {
        let refused = world.upload(&world.user("alice"), start("a"), &files).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(message), "{}", refused.message());
        assert_eq!(world.stored_files(), 0);
    }
    let fits =
        world.upload(&world.user("alice"), start("a"), &[image("a/1.png"), image("b/2.png")]).await;
    assert_eq!(fits.unwrap().item_count, 2);
}

#[tokio::test]
async fn wrong_starts_name_the_field() {
    let world = World::new().await;
    let with = |change: fn(&mut wire::DatasetSpec)| {
        let mut start = start("a");
        change(start.dataset.as_mut().unwrap());
        start
    };
    let table = [
        (wire::CreateDatasetStart::default(), "start.dataset"),
        (wire::CreateDatasetStart { request_id: "7".into(), ..start("a") }, "start.request_id"),
        (with(|dataset| dataset.display_name.clear()), "start.dataset.display_name"),
        (with(|dataset| dataset.format = 99), "start.dataset.format"),
        (with(|dataset| dataset.visibility = -1), "start.dataset.visibility"),
        (with(|dataset| dataset.shares.push(share("bob", 0))), "start.dataset.shares.role"),
        (with(|dataset| dataset.shares.push(share("bob", 3))), "start.dataset.shares.role"),
        (with(|dataset| dataset.shares.push(share("", 1))), "start.dataset.shares.subject"),
        (with(|dataset| dataset.shares.push(share("alice", 1))), "start.dataset.shares"),
    ];
    for (start, field) in table {
        let refused = world.upload(&world.user("alice"), start, &sample_files()).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
    }
}

/// Messages in a wrong order, or without anything in them.
#[tokio::test]
async fn the_start_comes_first_and_once() {
    let world = World::new().await;
    let empty = wire::CreateDatasetRequest { part: None };
    let begin = wire::CreateDatasetRequest { part: Some(Part::Start(start("a"))) };
    let (path, data) = image("a/1.png");
    let too_much = chunk("a/1.png", &vec![0; (1 << 20) + 1]);
    let table = [
        (chunk(&path, &data), vec![], "start"),
        (empty.clone(), vec![], "start"),
        (begin.clone(), vec![chunk(&path, &data), begin.clone()], "start"),
        (begin.clone(), vec![empty], "chunk"),
        (begin, vec![too_much], "chunk.data"),
    ];
    for (first, rest, field) in table {
        let rest = Box::pin(tokio_stream::iter(rest).map(Ok));
        let refused = world.handlers().create_dataset(world.user("alice"), first, rest).await;
        let refused = Status::from(refused.unwrap_err());
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
        assert_eq!(world.stored_files(), 0);
    }
}

/// The caller's future is dropped in the middle of a file that is being written in parts.
#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    let world = World::new().await;
    let (client, received) = mpsc::channel(1);
    let rest = Box::pin(tokio_stream::wrappers::ReceiverStream::new(received).map(Ok));
    let handlers = world.handlers();
    let first = wire::CreateDatasetRequest { part: Some(Part::Start(start("a"))) };
    let permit = world.user("alice");
    let call = tokio::spawn(async move { handlers.create_dataset(permit, first, rest).await });
    for (path, data) in sample_files() {
        client.send(chunk(&path, &data)).await.unwrap();
    }
    // Readme files are not looked into: a big one is written in parts.
    for _ in 0..12 {
        client.send(chunk("LICENSE", &vec![b'x'; 1 << 20])).await.unwrap();
    }
    assert!(world.stored_files() > 0, "nothing was written before the call was dropped");
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.labeler.settled().await;
    assert_eq!(world.stored_files(), 0);
    assert_eq!(world.list(&world.user("alice"), 0, "").await.unwrap().datasets, []);
}

#[tokio::test]
async fn a_stream_that_fails_leaves_nothing_and_passes_its_error_on() {
    let world = World::new().await;
    let (path, data) = image("a/1.png");
    let broken = vec![Ok(chunk(&path, &data)), Err(Status::out_of_range("too big a message"))];
    let first = wire::CreateDatasetRequest { part: Some(Part::Start(start("a"))) };
    let rest = Box::pin(tokio_stream::iter(broken));
    let refused = world.handlers().create_dataset(world.user("alice"), first, rest).await;
    let refused = Status::from(refused.unwrap_err());
    assert_eq!((refused.code(), refused.message()), (Code::OutOfRange, "too big a message"));
    assert_eq!(world.stored_files(), 0);
}

#[tokio::test]
async fn a_disk_that_fails_is_said_plainly_and_without_paths() {
    let world = World::new().await;
    // A file where the folder was: every write fails.
    std::fs::remove_dir(world.store()).unwrap();
    std::fs::write(world.store(), "").unwrap();
    let failed = world.upload(&world.user("alice"), start("a"), &sample_files()).await.unwrap_err();
    assert_eq!((failed.code(), failed.message()), (Code::Unavailable, "the store does not answer"));
    assert!(world.labeler.ready().await.is_err());
}

fn share(subject: &str, role: i32) -> wire::Share {
    wire::Share { subject: subject.to_owned(), role }
}
