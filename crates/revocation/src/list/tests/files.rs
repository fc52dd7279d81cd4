//! What is synced when: a file that sled adds while the list is in use, and the witness.

use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Mutex;

use super::super::durability::{Files, write_again};
use super::super::options::{Sync, Target};
use super::super::witness::Witness;
use super::*;

type Synced = Arc<Mutex<Vec<(PathBuf, Target)>>>;

/// A sync that only notes what it was asked for.
fn noting() -> (Sync, Synced) {
    let synced = Synced::default();
    let notes = Arc::clone(&synced);
    let sync: Sync = Arc::new(move |file, target| {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        notes.lock().unwrap().push((path, target));
        Ok(())
    });
    (sync, synced)
}

fn taken(synced: &Synced) -> Vec<(PathBuf, Target)> {
    std::mem::take(&mut *synced.lock().unwrap())
}

#[test]
fn a_new_file_is_synced_then_its_folder_then_the_log() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().canonicalize().unwrap();
    let blobs = folder.join("blobs");
    std::fs::create_dir(&blobs).unwrap();
    std::fs::write(folder.join("db"), b"").unwrap();
    let (sync, synced) = noting();
    let mut files = Files::open(&folder, sync).unwrap();
    let log = (folder.join("db"), Target::Content);
    assert!(taken(&synced).contains(&(folder.clone(), Target::Folder)));
    files.sync().unwrap();
    assert_eq!(taken(&synced), std::slice::from_ref(&log), "nothing is new");
    for (new, within) in [(blobs.join("7"), &blobs), (folder.join("snap.7"), &folder)] {
        std::fs::write(&new, b"new").unwrap();
        files.sync().unwrap();
        let right = [(new, Target::Content), (within.clone(), Target::Folder), log.clone()];
        assert_eq!(taken(&synced), right);
    }
}

#[test]
fn a_witness_is_synced_before_it_takes_its_name_and_its_folder_after_it() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().canonicalize().unwrap();
    let (sync, synced) = noting();
    Witness { epoch: 7, sequence: 9 }.write(&folder, &sync).unwrap();
    let new = folder.join("witness.new");
    assert_eq!(taken(&synced), [(new, Target::Content), (folder, Target::Folder)]);
}

#[test]
fn a_store_that_is_written_again_is_the_same_and_all_of_it_is_synced() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("blobs")).unwrap();
    let large: Vec<u8> = (0..3_000_001_u32).map(|at| at.to_le_bytes()[0]).collect();
    let written = [(folder.join("db"), large), (folder.join("blobs").join("7"), b"blob".to_vec())];
    for (path, bytes) in &written {
        std::fs::write(path, bytes).unwrap();
    }
    let (sync, synced) = noting();
    write_again(&folder, &sync).unwrap();
    let synced = taken(&synced);
    for (path, bytes) in written {
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert!(synced.contains(&(path, Target::Content)));
    }
}
