//! Downloads: byte for byte what was uploaded, or an error that says so.

use tokio_stream::StreamExt;
use tonic::{Code, Status};

use hallpass_contract::can::ReadDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;

use super::snapshots::revise;
use super::world::{File, World, image, sample_files, start};

/// A file of two megabytes and a bit that is no repetition of anything.
fn big() -> File {
    let bytes =
        (0_u32..700_000).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[..3].to_vec());
    ("LICENSE".to_owned(), bytes.collect())
}

#[tokio::test]
async fn everything_comes_back_byte_for_byte_in_path_order() {
    let world = World::new().await;
    let mut files = [sample_files(), vec![big(), image("ä/ö ü.png"), image("a/b/c.PNG")]].concat();
    files.reverse();
    let dataset = world.upload(&world.user("alice"), start("a"), &files).await.unwrap();
    files.sort();
    let back = world.download(&world.user("alice"), &dataset.dataset_id, "", 0).await.unwrap();
    assert_eq!(
        back.iter().map(|(path, _)| path).collect::<Vec<_>>(),
        files.iter().map(|(path, _)| path).collect::<Vec<_>>()
    );
    assert!(back == files, "the bytes differ");
}

#[tokio::test]
async fn more_files_than_are_looked_up_at_a_time_come_back() {
    let world = World::new().await;
    let files: Vec<_> = (0..1203).map(|n| image(&format!("a/{n:05}.png"))).collect();
    let dataset = world.upload(&world.user("alice"), start("a"), &files).await.unwrap();
    assert_eq!(dataset.item_count, 1203);
    let back = world.download(&world.user("alice"), &dataset.dataset_id, "", 0).await.unwrap();
    assert!(back == files, "{} files came back", back.len());
}

#[tokio::test]
async fn one_file_comes_from_any_byte_on() {
    let world = World::new().await;
    let (path, data) = big();
    let files = [vec![(path.clone(), data.clone())], sample_files()].concat();
    let id = world.upload(&world.user("alice"), start("a"), &files).await.unwrap().dataset_id;
    for offset in [0, 1, 262_143, 262_144, 1_000_000, data.len() - 1, data.len()] {
        let back = world.download(&world.user("alice"), &id, &path, offset as u64).await.unwrap();
        assert!(back == [(path.clone(), data[offset..].to_vec())], "from {offset}");
    }
}

#[tokio::test]
async fn wrong_wishes_have_their_codes() {
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    let table = [
        ("circle/05.png", 0, Code::NotFound),
        ("circle", 0, Code::NotFound),
        ("../../labeler.sqlite", 0, Code::NotFound),
        ("circle/01.png", 100_000, Code::OutOfRange),
        ("circle/01.png", u64::MAX, Code::OutOfRange),
        ("", 1, Code::InvalidArgument),
    ];
    for (path, offset, code) in table {
        let refused = world.download(&world.user("alice"), &id, path, offset).await.unwrap_err();
        assert_eq!(refused.code(), code, "{path} from {offset}");
    }
}

/// Bytes that change, are cut off or go away behind the store's back.
#[tokio::test]
async fn damage_on_the_disk_is_found() {
    let world = World::new().await;
    let id = world.sample_of("alice").await.dataset_id;
    let file = world.stored(&id)[1].clone();
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[50] ^= 1;
    for damaged in [Some(flipped), Some(whole[..50].to_vec()), Some(vec![]), None] {
        match &damaged {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let found = world.download(&world.user("alice"), &id, "", 0).await.unwrap_err();
        assert_eq!(
            found.code(),
            Code::DataLoss,
            "{:?} bytes left",
            damaged.map(|bytes| bytes.len())
        );
        assert_eq!(found.message(), "the stored file \"circle/01.png\" is damaged");
    }
}

/// In the middle of the files that were looked up together, and between two such look-ups.
#[tokio::test]
async fn a_dataset_deleted_meanwhile_ends_the_download_with_an_error() {
    let world = World::new().await;
    let files: Vec<_> = (0..600).map(|n| image(&format!("a/{n:05}.png"))).collect();
    for sent_before in [1, 500] {
        let alice = world.user("alice");
        let id = world.upload(&alice, start("a"), &files).await.unwrap().dataset_id;
        let proof = world.may::<ReadDataset>(&alice, &id).await.unwrap();
        let request = wire::DownloadDatasetRequest { dataset_id: id.clone(), ..Default::default() };
        let mut reply = world.handlers().download_dataset(proof, request).await.unwrap();
        for _ in 0..sent_before {
            assert!(reply.next().await.unwrap().is_ok());
        }
        world.delete(&alice, &id, "").await.unwrap();
        let end = reply.next().await.map(|piece| piece.map_err(Status::from));
        let code = end.and_then(Result::err).map(|status| status.code());
        assert_eq!(code, Some(Code::Aborted), "after {sent_before} files");
    }
}

/// What a client does whose stream broke off: from any byte of any file, the rest comes, without a gap or a repetition.
#[tokio::test]
async fn a_broken_off_download_goes_on_where_it_was() {
    let world = World::new().await;
    let mut files = [sample_files(), vec![big(), ("a/empty.md".to_owned(), vec![])]].concat();
    let alice = world.user("alice");
    let id = world.upload(&alice, start("a"), &files).await.unwrap().dataset_id;
    files.sort();
    for (at, (path, data)) in files.iter().enumerate() {
        for offset in [0, data.len() / 3, data.len()] {
            let proof = world.may::<ReadDataset>(&alice, &id).await.unwrap();
            let request = wire::DownloadDatasetRequest {
                dataset_id: id.clone(),
                path: path.clone(),
                offset: offset as u64,
                onwards: true,
            };
            let mut reply = world.handlers().download_dataset(proof, request).await.unwrap();
            let mut back: Vec<File> = Vec::new();
            while let Some(message) = reply.next().await {
                let message = message.map_err(Status::from).unwrap();
                let chunk = message.chunk.unwrap();
                if let Some(file) = message.file {
                    let whole = &files[at + back.len()].1;
                    assert_eq!(
                        (file.path, file.size_bytes),
                        (chunk.path.clone(), whole.len() as u64)
                    );
                    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, whole);
                    assert_eq!(file.sha256, sha256.as_ref());
                    back.push((chunk.path.clone(), Vec::new()));
                }
                let current = back.last_mut().unwrap();
                assert_eq!(current.0, chunk.path, "a file began without saying what it is");
                current.1.extend_from_slice(&chunk.data);
            }
            let mut rest = files[at..].to_vec();
            rest[0].1.drain(..offset);
            assert!(back == rest, "from {path} at {offset}");
        }
    }
}

#[tokio::test]
async fn a_dataset_changed_meanwhile_is_no_damage() {
    let world = World::new().await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    let proof = world.may::<ReadDataset>(&alice, &id).await.unwrap();
    let request = wire::DownloadDatasetRequest { dataset_id: id.clone(), ..Default::default() };
    let mut reply = world.handlers().download_dataset(proof, request).await.unwrap();
    reply.next().await.unwrap().unwrap();
    revise(&world, &id, &[image("star/01.png")]).await;
    let ended = loop {
        match reply.next().await {
            Some(Ok(_)) => {}
            Some(Err(ended)) => break Status::from(ended),
            None => panic!("the download ended as if all was sent"),
        }
    };
    assert_eq!(ended.code(), Code::Aborted);
    assert!(ended.message().contains("right: begin anew, or download a snapshot"), "{ended}");
}
