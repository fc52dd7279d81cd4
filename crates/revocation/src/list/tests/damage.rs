//! What a crash or a bad disk may leave behind.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::*;

/// A closed store with 200 entries, in a folder whose parent is all ours.
async fn store() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("list");
    let list = open(&folder);
    let entries = (0..200).map(exact).collect();
    let batch = Batch { epoch: 7, snapshot: false, last: false, sequence: 1, entries };
    list.apply(batch).await.unwrap();
    (parent, folder)
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        names.map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_half_written_snapshot_does_not_stop_it_from_opening() {
    let (_parent, folder) = store().await;
    drop(open(&folder));
    // sled would take it for the newest snapshot, and it alone must go: the whole ones save reading the log.
    let before = names(&folder);
    let half = folder.join("snap.7FFFFFFFFFFFFFFF.generating");
    fs::write(&half, b"half").unwrap();
    open::prepare(&folder).unwrap();
    assert_eq!(names(&folder), before);
    fs::write(&half, b"half").unwrap();
    let list = open(&folder);
    assert_eq!((list.opened(), list.index().usage().exact), (&Opened::Existing, 200));
}

#[tokio::test]
async fn a_broken_snapshot_is_done_without() {
    let (_parent, folder) = store().await;
    drop(open(&folder));
    fs::write(folder.join("snap.7FFFFFFFFFFFFFFF"), b"no snapshot at all").unwrap();
    let list = open(&folder);
    assert_eq!((list.opened(), list.index().usage().exact), (&Opened::Existing, 200));
}

#[tokio::test]
async fn a_broken_database_is_set_aside_and_the_loss_is_remembered() {
    type Wreck = fn(&Path);
    let wreck: [(&str, Wreck); 4] = [
        ("all of it", |db| fs::write(db, vec![0xa5; 1 << 20]).unwrap()),
        ("its beginning", |db| overwrite(db, 0, 4_096)),
        ("emptied", |db| fs::write(db, b"").unwrap()),
        ("removed", |db| fs::remove_file(db).unwrap()),
    ];
    for (what, wreck) in wreck {
        let (parent, folder) = store().await;
        wreck(&folder.join("db"));
        let list = open(&folder);
        let set_aside = parent.path().join("list.broken-1000");
        assert_eq!(list.opened(), &Opened::Fresh { set_aside: set_aside.clone() }, "{what}");
        assert_eq!((list.sequence(), list.position()), (0, None), "{what}");
        drop(list);
        assert_eq!(names(parent.path()), ["list", "list.broken-1000"], "{what}");
        let list = open(&folder);
        assert_eq!(list.opened(), &Opened::Fresh { set_aside }, "{what}: not forgotten");
        list.accept_loss().await.unwrap();
        drop(list);
        assert_eq!(open(&folder).opened(), &Opened::Existing, "{what}");
    }
}

/// sled takes damage for the torn end of its log; what was there when the store was last closed must not be forgotten silently.
#[tokio::test]
async fn a_database_that_lost_its_end_is_noticed() {
    let (parent, folder) = store().await;
    let kept = parent.path().join("kept");
    fs::copy(folder.join("db"), &kept).unwrap();
    let list = open(&folder);
    revoke(&list, exact(1_000)).await;
    drop(list);
    fs::copy(kept, folder.join("db")).unwrap();
    assert!(matches!(open(&folder).opened(), Opened::Fresh { .. }));
}

/// Nor what was there at the last sweep, when the process was killed since.
#[tokio::test]
async fn a_killed_one_that_lost_what_it_had_at_the_last_sweep_is_noticed() {
    let (parent, folder) = store().await;
    let list = open(&folder);
    let kept = parent.path().join("kept");
    copy(&folder, &kept);
    revoke(&list, exact(1_000)).await;
    assert_eq!(list.sweep(at(1_000)).await, Ok(0));
    fs::copy(folder.join("witness"), kept.join("witness")).unwrap();
    assert!(matches!(open(&kept).opened(), Opened::Fresh { .. }));
}

#[tokio::test]
async fn a_crash_between_setting_aside_and_making_anew_is_remembered() {
    let (parent, folder) = store().await;
    let set_aside = parent.path().join("list.broken-77");
    fs::rename(&folder, &set_aside).unwrap();
    assert_eq!(open(&folder).opened(), &Opened::Fresh { set_aside });
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let (parent, folder) = store().await;
    let db = sled::open(&folder).unwrap();
    db.insert(codec::META_FORMAT, &9_u32.to_be_bytes()).unwrap();
    db.flush().unwrap();
    drop(db);
    let refused = List::open(&folder, &options()).unwrap_err();
    assert!(matches!(refused, OpenError::NewerFormat { found: 9, known: 2, .. }), "{refused}");
    assert!(refused.to_string().contains("has format 9"), "{refused}");
    assert_eq!(names(parent.path()), ["list"]);
}

#[tokio::test]
async fn a_list_in_use_is_refused_and_left_alone() {
    let (parent, folder) = store().await;
    let list = open(&folder);
    let refused = List::open(&folder, &options()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    assert_eq!(names(parent.path()), ["list"]);
    assert_eq!(list.index().usage().exact, 200);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, b"").unwrap();
    // Nobody can make a folder in either, whoever runs the test.
    for folder in [file.join("list"), PathBuf::from("/proc/self/list")] {
        let refused = List::open(&folder, &options()).unwrap_err();
        let OpenError::Folder { source, .. } = &refused else { panic!("{refused}") };
        assert_ne!(source.kind(), ErrorKind::Other);
        assert!(refused.to_string().contains(&*folder.to_string_lossy()), "{refused}");
    }
}

fn overwrite(path: &Path, from: usize, len: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[from..from + len].fill(0xa5);
    fs::write(path, bytes).unwrap();
}
