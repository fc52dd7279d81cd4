//! Opening a data folder: one process at a time, and what nobody owns is swept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hallpass_token::UnixTime;

use super::world::World;
use crate::{Labeler, OpenError, Settings};

async fn open(folder: &std::path::Path) -> Result<Labeler, OpenError> {
    Labeler::open(folder, Settings::default(), Arc::new(|| UnixTime::from_secs(0))).await
}

#[tokio::test]
async fn a_folder_has_one_labeler_at_a_time() {
    let folder = tempfile::TempDir::new().unwrap();
    let first = open(folder.path()).await.unwrap();
    let second = open(folder.path()).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
    let refused = second.err().unwrap().to_string();
    assert!(refused.contains("give both a PostgreSQL database"), "{refused}");
    first.close().await;
    open(folder.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn processes_that_share_a_database_share_the_folder_and_sweep_only_what_is_quiet() {
    let Some(server) = hallpass_store::testing::server() else { return };
    let folder = tempfile::TempDir::new().unwrap();
    let database = hallpass_store::testing::schema(&server, folder.path()).await;
    let now = std::fs::metadata(folder.path()).unwrap().modified().unwrap();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let at = |time| {
        let now = Arc::new(move || UnixTime::from_secs(time));
        Labeler::open_on(&database, folder.path(), Settings::default(), now)
    };
    let first = at(now).await.unwrap();
    // As the first process leaves it in the middle of an upload.
    let half = folder.path().join("files/datasets/ds_00000000000000000000000000000007");
    std::fs::create_dir(&half).unwrap();
    std::fs::write(half.join("0"), "whole").unwrap();
    let second = at(now).await.unwrap();
    assert!(half.exists(), "another process may be writing these");
    let third = at(now + 2 * 24 * 60 * 60).await.unwrap();
    assert!(!half.exists(), "nobody has written these for two days");
    for labeler in [first, second, third] {
        labeler.close().await;
    }
}

#[tokio::test]
async fn leftovers_are_swept_and_datasets_stay() {
    let world = World::new().await;
    let dataset = world.sample_of("alice").await;
    // As a process leaves it that dies during an upload, or between a deletion's rows and its files.
    let leftover = world.store().join("ds_00000000000000000000000000000007");
    std::fs::create_dir(&leftover).unwrap();
    std::fs::write(leftover.join("0"), "whole").unwrap();
    std::fs::write(leftover.join("1#1"), "half-written").unwrap();
    // Not ours: left alone.
    std::fs::write(world.store().join("lost+found"), "").unwrap();
    let world = world.restarted().await;
    assert!(!leftover.exists());
    assert_eq!(world.stored_files(), 14);
    assert_eq!(world.get(&world.user("alice"), &dataset.dataset_id).await.unwrap(), dataset);
    assert!(world.labeler.ready().await.is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = open(&file.join("data")).await.err().unwrap().to_string();
    assert!(refused.starts_with(&format!("data folder {}", file.display())), "{refused}");
    std::fs::write(folder.path().join("labeler.sqlite"), "no database").unwrap();
    let refused = open(folder.path()).await;
    assert!(matches!(refused, Err(OpenError::Database(_))), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data/labeler");
    let labeler = open(&data).await.unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    labeler.close().await;
}

/// A background task that is gone is no secret: the log names it, and the process is not ready any more.
#[tokio::test]
async fn a_sweep_that_panics_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&broken);
    let now = Arc::new(move || {
        assert!(!is_broken.load(Ordering::SeqCst), "the clock is broken");
        UnixTime::from_secs(1_800_000_000)
    });
    let settings = Settings { sweep_every: Duration::from_secs(1), ..Settings::default() };
    let database = hallpass_store::testing::location(&folder.path().join("labeler.sqlite")).await;
    let labeler = Labeler::open_on(&database, folder.path(), settings, now).await.unwrap();
    broken.store(true, Ordering::SeqCst);
    let noticed = async {
        let mut every = tokio::time::interval(Duration::from_millis(10));
        while hallpass_telemetry::gone() != Some("labeler sweep") {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noticed).await.unwrap();
    labeler.close().await;
}

/// A container platform starts services in any order.
#[tokio::test]
async fn a_bucket_that_is_away_is_waited_for() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let files = crate::FileStore::S3(crate::S3 {
        bucket: "datasets".to_owned(),
        region: "eu-central-1".to_owned(),
        endpoint: Some(format!("http://{free}")),
        prefix: String::new(),
        access_key_id: "id".to_owned(),
        secret_access_key: "secret".to_owned(),
        allow_http: true,
    });
    let folder = tempfile::TempDir::new().unwrap();
    let settings = Settings { files, ..Settings::default() };
    let now = Arc::new(|| UnixTime::from_secs(0));
    let labeler = Labeler::open(folder.path(), settings, now).await.unwrap();
    assert!(labeler.standing().check().await.is_err(), "health says that it cannot serve");
    labeler.close().await;
}
