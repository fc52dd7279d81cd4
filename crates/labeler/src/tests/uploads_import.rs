//! Datasets from folders of the server: beneath the roots alone, and without links.

use std::path::Path;

use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::UploadService;
use tempfile::TempDir;
use tonic::{Code, Status};

use super::world::{File, World, image, sample_files};
use crate::Settings;

async fn with_root(folder: &Path) -> World {
    let import_roots = [("data".to_owned(), folder.to_owned())].into();
    World::with(Settings { import_roots, ..Settings::default() }).await
}

fn put(folder: &Path, (path, data): &File) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, data).unwrap();
}

async fn import(world: &World, root: &str, path: &str) -> Result<wire::Dataset, Status> {
    let dataset = wire::DatasetSpec { display_name: "a".to_owned(), ..Default::default() };
    let request = wire::ImportFolderRequest {
        dataset: Some(dataset),
        root: root.to_owned(),
        path: path.to_owned(),
        ..Default::default()
    };
    let answer = world.uploads().import_folder(world.user("alice"), request).await?;
    Ok(answer.dataset.unwrap())
}

#[tokio::test]
async fn a_folder_becomes_a_dataset() {
    let folder = TempDir::new().unwrap();
    for file in sample_files() {
        put(&folder.path().join("some/shapes"), &file);
    }
    let world = with_root(folder.path()).await;
    let dataset = import(&world, "data", "some/shapes").await.unwrap();
    assert_eq!((dataset.item_count, dataset.file_count), (12, 13));
    let found = world.download(&world.user("alice"), &dataset.dataset_id, "", 0).await.unwrap();
    assert_eq!(found, sample_files());
}

#[cfg(unix)]
#[tokio::test]
async fn what_systems_leave_behind_is_skipped() {
    let folder = TempDir::new().unwrap();
    for left in [".DS_Store", "a/._1.png", "__MACOSX/a/._1.png", "a/Thumbs.db", ".git/HEAD"] {
        put(folder.path(), &(left.to_owned(), vec![0; 9]));
    }
    put(folder.path(), &image("a/1.png"));
    let world = with_root(folder.path()).await;
    let dataset = import(&world, "data", "").await.unwrap();
    assert_eq!((dataset.item_count, dataset.file_count, world.stored_files()), (1, 1, 1));
}

#[tokio::test]
async fn what_is_not_beneath_the_root_or_not_a_file_is_refused_by_name() {
    use std::os::unix::fs::symlink;
    let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    put(outside.path(), &image("a/1.png"));
    for at in ["fine", "link", "file-link", "socket", "strange"] {
        put(&folder.path().join(at), &image("a/1.png"));
    }
    symlink(outside.path(), folder.path().join("link/out")).unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink("1.png", folder.path().join("file-link/a/2.png")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket/s")).unwrap();
    put(folder.path(), &("strange/a/x.exe".to_owned(), vec![1]));
    let world = with_root(folder.path()).await;
    let table = [
        ("data", "link", "file \"out\": is a symbolic link"),
        ("data", "out", "path: \"out\": is a symbolic link"),
        ("data", "out/a", "path: \"out\": is a symbolic link"),
        ("data", "file-link", "file \"a/2.png\": is a symbolic link"),
        ("data", "socket", "file \"s\": is neither a file nor a folder"),
        ("data", "strange", "file \"a/x.exe\": is neither an image"),
        ("data", "../x", "path: names no folder beneath the root"),
        ("data", "/etc", "path: names no folder beneath the root"),
        ("data", "none", "path: \"none\": is not there"),
        ("data", "fine/a/1.png", "path: \"1.png\": is no folder"),
        ("other", "fine", "root: is no root of this server; right: data"),
    ];
    for (root, path, problem) in table {
        let refused = import(&world, root, path).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{problem}");
        assert!(refused.message().contains(problem), "{}", refused.message());
        assert_eq!(world.stored_files(), 0, "{problem}");
    }
    assert_eq!(import(&world, "data", "fine").await.unwrap().item_count, 1);
}
