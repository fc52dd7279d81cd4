//! A disk that something else has filled to the last byte: revoking goes on for as long as the space lasts that is allocated ahead of the log,
//! nothing is acknowledged that is not kept, and the list is well again by itself once there is space.
//!
//! The test runs itself again in a namespace of its own, where it may mount a small file system.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed step fails the test, and one that is left out says so"
)]

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hallpass_revocation::{Entry, List, Note, Options, WriteError};
use hallpass_token::{Fingerprint, UnixTime};

const FOLDER: &str = "TEST_FULL_DISK";
const TEST: &str =
    "a_disk_that_others_have_filled_takes_revocations_and_the_list_is_well_again_by_itself";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// So many are kept on a full disk at the least.
const KEPT: u64 = 500;
const PATIENCE: Duration = Duration::from_mins(1);

fn open(folder: &Path) -> List {
    List::open(folder, &Options::new([7; 8], NOW)).unwrap()
}

async fn revoke(list: &List, number: u64) -> Result<u64, WriteError> {
    let note = Note { reason: "x".repeat(200), by: "operator".to_owned(), at: NOW };
    let entry = Entry::exact(Fingerprint::token("issuer", &number.to_string()), None);
    list.revoke(entry, note).await
}

#[tokio::test]
async fn space_is_allocated_ahead_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let list = open(&folder.path().join("list"));
    revoke(&list, 1).await.unwrap();
    let log = fs::metadata(folder.path().join("list/db")).unwrap();
    let ahead = (log.blocks() * 512).saturating_sub(log.len());
    assert!(ahead >= 2 << 20, "{ahead} bytes: does the file system know fallocate?");
}

#[test]
fn a_disk_that_others_have_filled_takes_revocations_and_the_list_is_well_again_by_itself() {
    if let Some(folder) = env::var_os(FOLDER) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        return runtime.block_on(on_a_full_disk(Path::new(&folder)));
    }
    let place = tempfile::tempdir().unwrap();
    let mounted =
        "mount -t tmpfs -o size=24m none \"$1\" || exit 77; exec \"$2\" --exact --nocapture \"$3\"";
    let ran = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"])
        .arg(place.path())
        .arg(env::current_exe().unwrap())
        .arg(TEST)
        .env(FOLDER, place.path())
        .output();
    let Ok(ran) = ran else { return left_out("unshare is not installed") };
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) || said.contains("unshare: ") {
        return left_out(&said);
    }
    assert!(ran.status.success(), "{}\n{said}", String::from_utf8_lossy(&ran.stdout));
}

fn left_out(why: &str) {
    eprintln!("\n*** LEFT OUT, a full disk: no file system can be mounted here: {why} ***\n");
}

/// Everything that is left of the disk.
fn fill(file: &Path) {
    let mut filler = File::create(file).unwrap();
    for chunk in [64 << 10, 1] {
        let chunk = vec![0; chunk];
        while filler.write_all(&chunk).is_ok() {}
    }
}

async fn on_a_full_disk(folder: &Path) {
    let (of_list, filler) = (folder.join("list"), folder.join("filler"));
    let list = open(&of_list);
    revoke(&list, 0).await.unwrap();
    fill(&filler);
    let mut kept = 1;
    while revoke(&list, kept).await.is_ok() {
        kept += 1;
    }
    assert!(kept > KEPT, "only {kept} were kept");
    eprintln!("{kept} revocations on a full disk");
    // It tells that it takes no more for as long as that is so.
    let began = Instant::now();
    while list.healthy().is_ok() {
        let _ = revoke(&list, kept + 1).await;
        assert!(began.elapsed() < PATIENCE, "it says that all is well");
    }
    fs::remove_file(&filler).unwrap();
    let began = Instant::now();
    while list.healthy().is_err() {
        assert!(began.elapsed() < PATIENCE, "the list stays refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    revoke(&list, kept + 2).await.unwrap();
    drop(list);
    let list = open(&of_list);
    let known =
        |number: &u64| list.index().contains(Fingerprint::token("issuer", &number.to_string()));
    let forgotten: Vec<_> = (0..kept).chain([kept + 2]).filter(|number| !known(number)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
