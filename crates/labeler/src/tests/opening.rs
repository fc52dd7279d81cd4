//! Opening a data folder: one process at a time, and what nobody owns is swept.

use std::sync::Arc;

use hallpass_token::UnixTime;

use super::world::World;
use crate::{Labeler, OpenError, Settings};

async fn open(folder: &std::path::Path) -> Result<Labeler, OpenError> {
    Labeler::open(folder, Settings::default(), Arc::new(|| UnixTime::from_secs(0))).await
}

#[tokio::test]
async fn a_folder_has_one_labeler_at_a_time() {
    let world = World::new().await;
    let second = open(world.folder.path()).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
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
