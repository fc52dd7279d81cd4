//! URLs of single files, short-lived: signed by Labeler for the data folder, and by a store that speaks S3 for its own.
//!
//! `TEST_S3` names such a store, as `http://127.0.0.1:PORT`; moto's is one.

use std::io::{Read, Write};
use std::net::TcpStream;

use hallpass_contract::can::ReadDataset;
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::DatasetService;
use hallpass_policy::Permit;
use hallpass_token::{Grants, SKEW};
use http_body_util::BodyExt as _;
use tonic::codegen::http::HeaderMap;
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

/// A world whose files lie in its folder.
async fn in_a_folder(download_url: Option<&str>) -> World {
    let download_url = download_url.map(str::to_owned);
    World::with(Settings { download_url, ..Settings::default() }).await
}

/// The status, the headers and the body that a URL gives.
async fn fetch(world: &World, url: &str, range: Option<&str>) -> (u16, HeaderMap, Vec<u8>) {
    let (uri, mut headers) = (url.parse().unwrap(), HeaderMap::new());
    if let Some(range) = range {
        headers.insert("range", range.parse().unwrap());
    }
    let (head, body) = world.labeler.downloads()(uri, headers).await.into_parts();
    (head.status.as_u16(), head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn a_folder_has_urls_once_it_is_known_where_clients_reach_it() {
    let world = in_a_folder(None).await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    let refused = url(&world, &alice, &id, "circle/01.png").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "NO_URLS");
    assert!(refused.message().contains("labeler.download_url"), "{refused}");
    world.labeler.answers_at("http://127.0.0.1:8012");
    let found = url(&world, &alice, &id, "circle/01.png").await.unwrap();
    let base = "http://127.0.0.1:8012/download/file?dataset=ds_";
    assert!(found.url.starts_with(base), "{}", found.url);
    let named = in_a_folder(Some("https://files.example.org/labeler")).await;
    let (alice, id) = (named.user("alice"), named.sample_of("alice").await.dataset_id);
    named.labeler.answers_at("http://127.0.0.1:8012");
    let found = url(&named, &alice, &id, "circle/01.png").await.unwrap();
    let base = "https://files.example.org/labeler/download/file?dataset=ds_";
    assert!(found.url.starts_with(base), "{}", found.url);
    for (path, code) in
        [("", Code::InvalidArgument), ("circle/99.png", Code::NotFound), ("../x", Code::NotFound)]
    {
        assert_eq!(url(&named, &alice, &id, path).await.unwrap_err().code(), code, "{path}");
    }
    let bob = url(&named, &named.user("bob"), &id, "circle/01.png").await.unwrap_err();
    assert_eq!(bob.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_url_of_a_folder_gives_exactly_its_file_for_a_minute_at_most() {
    let world = in_a_folder(Some("http://h")).await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    for (path, data) in sample_files() {
        let found = url(&world, &alice, &id, &path).await.unwrap();
        assert_eq!(found.expire_time.unwrap().seconds.cast_unsigned(), world.now().as_secs() + 60);
        let (status, headers, body) = fetch(&world, &found.url, None).await;
        assert_eq!((status, body.len()), (200, data.len()), "{path}");
        assert!(body == data, "{path}");
        assert_eq!(headers["content-length"], data.len().to_string().as_str());
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "private, no-store");
    }
    let found = url(&world, &alice, &id, "circle/01.png").await.unwrap().url;
    let (status, headers, whole) = fetch(&world, &found, None).await;
    assert_eq!((status, &headers["content-type"]), (200, &"image/png".parse().unwrap()));
    let (status, headers, rest) = fetch(&world, &found, Some("bytes=10-")).await;
    assert_eq!((status, rest.as_slice()), (206, &whole[10..]));
    let range = format!("bytes 10-{}/{}", whole.len() - 1, whole.len());
    assert_eq!(headers["content-range"], range.as_str());
    assert_eq!(fetch(&world, &found, Some("bytes=0-3")).await.2, whole, "not offered: all of it");
    assert_eq!(fetch(&world, &found, Some("bytes=99999999-")).await.0, 416);

    for (altered, told) in [
        (found.replace("circle", "square"), "ask for a new one"),
        (found.split('?').next().unwrap().to_owned(), "ask for a new one"),
    ] {
        let (status, _, body) = fetch(&world, &altered, None).await;
        assert_eq!(status, 403, "{altered}");
        assert!(String::from_utf8(body).unwrap().contains(told));
    }
    world.advance(60);
    let (status, _, body) = fetch(&world, &found, None).await;
    assert_eq!(status, 403);
    assert_eq!(body, b"this URL has expired: ask for a new one\n");
}

#[tokio::test]
async fn a_url_of_a_folder_ends_with_its_file_and_with_its_token() {
    let world = in_a_folder(Some("http://h")).await;
    let (alice, id) = (world.user("alice"), world.sample_of("alice").await.dataset_id);
    let found = url(&world, &alice, &id, "circle/01.png").await.unwrap().url;
    world.delete(&alice, &id, "").await.unwrap();
    let (status, _, body) = fetch(&world, &found, None).await;
    assert_eq!(
        (status, body.as_slice()),
        (404, &b"the file is there no more, or has changed\n"[..])
    );
    let id = world.sample_of("alice").await.dataset_id;
    let token = alice.token().unwrap();
    let left = token.expires_at().unwrap().as_secs() - world.now().as_secs();
    world.advance(left - 7);
    let last = url(&world, &alice, &id, "circle/01.png").await.unwrap();
    let still = 7 + SKEW.as_secs();
    assert_eq!(last.expire_time.unwrap().seconds.cast_unsigned(), world.now().as_secs() + still);
    // Another process over the same store has the same key.
    let world = world.restarted().await;
    assert_eq!(fetch(&world, &last.url, None).await.0, 200);
    world.advance(still);
    assert_eq!(fetch(&world, &last.url, None).await.0, 403);
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
