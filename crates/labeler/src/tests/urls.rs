//! URLs of single files: none from a folder, and short-lived ones from a store that speaks S3.
//!
//! `TEST_S3` names such a store, as `http://127.0.0.1:PORT`; moto's is one.

use std::io::{Read, Write};
use std::net::TcpStream;

use hallpass_contract::can::ReadDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use hallpass_policy::Permit;
use hallpass_token::{Grants, SKEW};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::world::{World, sample_files};
use crate::settings::{FileStore, S3, Settings};

async fn url(
    world: &World,
    permit: &Permit,
    id: &str,
    path: &str,
) -> Result<wire::GetDownloadUrlResponse, Status> {
    let proof = world.may::<ReadDataset>(permit, id).await?;
    let (dataset_id, path) = (id.to_owned(), path.to_owned());
    let request = wire::GetDownloadUrlRequest { dataset_id, path };
    Ok(world.handlers().get_download_url(proof, request).await?)
}

#[tokio::test]
async fn a_folder_has_no_urls() {
    let world = World::new().await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    let refused = url(&world, &alice, &id, "circle/01.png").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "NO_URLS");
    assert!(refused.message().contains("DownloadDataset"), "{refused}");
    for (path, code) in
        [("", Code::InvalidArgument), ("circle/99.png", Code::NotFound), ("../x", Code::NotFound)]
    {
        assert_eq!(url(&world, &alice, &id, path).await.unwrap_err().code(), code, "{path}");
    }
    let bob = url(&world, &world.user("bob"), &id, "circle/01.png").await.unwrap_err();
    assert_eq!(bob.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_url_fetches_exactly_the_file_and_ends_with_the_token() {
    let Some((endpoint, bucket)) = bucket() else { return };
    let world = World::with(Settings {
        files: FileStore::S3(S3 {
            bucket,
            region: "us-east-1".to_owned(),
            endpoint: Some(format!("http://{endpoint}")),
            prefix: "some/where".to_owned(),
            access_key_id: "test".to_owned(),
            secret_access_key: "not-to-be-seen".to_owned(),
            allow_http: true,
        }),
        ..Settings::default()
    })
    .await;
    assert!(!format!("{:?}", world.labeler).contains("not-to-be-seen"));
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    for (path, data) in sample_files() {
        let answer = url(&world, &alice, &id, &path).await.unwrap();
        assert!(!format!("{answer:?}").contains("X-Amz"), "the URL is printed");
        assert_eq!(lifetime(&answer.url), 60);
        assert_eq!(answer.expire_time.unwrap().seconds.cast_unsigned(), world.now().as_secs() + 60);
        let info = answer.file.unwrap();
        assert_eq!((info.path, info.size_bytes), (path.clone(), data.len() as u64));
        let (status, fetched) = http("GET", &endpoint, answer.url.split_once(&endpoint).unwrap().1);
        assert!(status.contains("200"), "{status}");
        assert!(fetched == data, "{path}");
    }
    // Labeler's own credentials could sign one; they never stand in for what the caller was not granted.
    for (bucket, operation) in [("elsewhere", "g"), (world.labeler.datasets.settings.bucket(), "l")]
    {
        let grants = Grants::of(&[bucket.to_owned()], &[operation.to_owned()], None).unwrap();
        let permit = world.granted("alice", "GetDownloadUrl", grants);
        let refused = url(&world, &permit, &id, "circle/01.png").await.unwrap_err();
        assert_eq!(refused.get_details_error_info().unwrap().reason, "STORAGE_NOT_GRANTED");
    }
    let token = alice.token().unwrap();
    let left = token.expires_at().unwrap().as_secs() - world.now().as_secs();
    world.advance(left - 7);
    let answer = url(&world, &alice, &id, "circle/01.png").await.unwrap();
    let still = 7 + SKEW.as_secs();
    assert_eq!(lifetime(&answer.url), still, "a token is expired past its end and the skew");
    world.advance(still);
    let ended = url(&world, &alice, &id, "circle/01.png").await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
}

/// The store's address and a bucket of its own, if there is a store.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn bucket() -> Option<(String, String)> {
    let Ok(store) = std::env::var("TEST_S3") else {
        assert!(std::env::var_os("CI").is_none(), "TEST_S3 is not set");
        eprintln!("\n*** LEFT OUT, tests on S3: TEST_S3 is not set ***\n");
        return None;
    };
    let endpoint = store.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let random = crate::model::ids::random().unwrap();
    let bucket = format!("test-{:016x}", u64::from_be_bytes(random[..8].try_into().unwrap()));
    let (status, _) = http("PUT", &endpoint, &format!("/{bucket}"));
    assert!(status.contains("200"), "{status}");
    Some((endpoint, bucket))
}

fn lifetime(url: &str) -> u64 {
    let (_, from) = url.split_once("X-Amz-Expires=").unwrap();
    from.split('&').next().unwrap().parse().unwrap()
}

/// The first line of the answer and its body.
fn http(method: &str, endpoint: &str, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {endpoint}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = String::from_utf8_lossy(&answer[..end]).lines().next().unwrap().to_owned();
    (status, answer[end + 4..].to_vec())
}
