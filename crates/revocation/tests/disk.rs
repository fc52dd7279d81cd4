//! What a disk that fails does to the list: nothing is acknowledged that is not kept, and the list says so until the disk is well, from
//! when on it accepts entries again, in the same process.
//!
//! The test runs itself again under strace, which lets calls of the operating system fail; the child tells what it was promised, and
//! the parent looks afterwards whether the promise was kept. What the child is not told, it may keep or lose.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test tells its parent what it did"
)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use hallpass_revocation::{Entry, List, Note, Opened, Options};
use hallpass_token::{Fingerprint, UnixTime};

const FOLDER: &str = "TEST_DISK_FOLDER";
const TEST: &str = "what_a_failing_disk_cannot_keep_is_not_acknowledged";
const REVOCATIONS: usize = 24;
/// A call that never returns would make this test wait for ever.
const SECONDS: &str = "60";
/// How long the child waits for the list to recover.
const RECOVERS_WITHIN: Duration = Duration::from_secs(3);

/// What of the child's work was promised, and how it ended.
#[derive(Debug, Default)]
struct Told {
    acknowledged: Vec<usize>,
    refused: usize,
    unopened: Option<String>,
    /// Acknowledged after something was refused.
    taken_back: bool,
    unhealthy: bool,
}

#[test]
fn what_a_failing_disk_cannot_keep_is_not_acknowledged() {
    if let Ok(folder) = env::var(FOLDER) {
        return revoke(Path::new(&folder));
    }
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "strace is not installed");
        eprintln!("\n*** LEFT OUT: strace is not installed: no disk was made to fail ***\n");
        return;
    }
    for (call, error) in [("fdatasync", "EIO"), ("fsync", "EIO"), ("pwrite64", "ENOSPC")] {
        let mut amid_work = 0;
        // From the first of these calls on, or from a later one; or just one of them, after which the disk is well again.
        for when in ["1+", "2+", "3+", "6+", "15+", "2", "4", "9"] {
            let what = format!("{call}:error={error}:when={when}");
            for existing in [false, true] {
                let told = with_fault(&what, |folder| existing.then(|| open(folder)));
                amid_work += usize::from(told.refused > 0 && !told.acknowledged.is_empty());
                let came = told.refused > 0 || told.unopened.is_some();
                assert!(came || !when.starts_with(['1', '2']) || when == "15+", "{what}: {told:?}");
            }
        }
        // Folders are synced on opening only, as long as no file is added.
        assert!(amid_work > 3 || call == "fsync", "{call} failed amid the work {amid_work} times");
    }
}

/// A store on a disk that only serves reads is refused by name, and not taken for a broken one.
#[test]
fn a_store_that_cannot_be_written_is_left_alone() {
    if Command::new("strace").arg("--version").output().is_err() {
        return;
    }
    for what in ["openat:error=EROFS:when=2+", "openat:error=EACCES:when=2+", "flock:error=EIO"] {
        let told = with_fault(what, |folder| Some(open(folder)));
        let why = told.unopened.unwrap_or_else(|| panic!("{what} did not come about"));
        assert!(why.contains("the revocation list in "), "{what}: {why}");
    }
}

/// Runs the child with a fault, then looks whether its promises were kept once the disk is well again.
fn with_fault(what: &str, prepare: impl Fn(&Path) -> Option<List>) -> Told {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("list");
    drop(prepare(&folder));
    let told = Told::read(what, &under_strace(what, &folder));
    // strace counts the calls of each thread for itself, and a store that is opened again writes with new threads: only where the
    // first call fails, all do.
    let never = what.ends_with("=1+");
    assert!(!told.taken_back || !never, "{what}: acknowledged on a broken disk: {told:?}");
    if never || !what.ends_with('+') {
        assert_eq!(told.unhealthy, never && told.refused > 0, "{what}: {told:?}");
    }
    let answered = told.acknowledged.len() + told.refused;
    assert!(told.unopened.is_some() || answered == REVOCATIONS, "{what}: {told:?}");

    let list = open(&folder);
    assert!(!matches!(list.opened(), Opened::Fresh { .. }), "{what}: {:?}", list.opened());
    let gone = told.acknowledged.iter().filter(|number| !list.index().contains(print(**number)));
    assert_eq!(gone.collect::<Vec<_>>(), Vec::<&usize>::new(), "{what}");
    let beside = fs::read_dir(place.path()).unwrap().count();
    assert_eq!(beside, 1, "{what}: nothing is set aside because of it");
    told
}

fn under_strace(what: &str, folder: &Path) -> Output {
    let mut command = Command::new("timeout");
    command.args([SECONDS, "strace", "-f", "-qq", "-o", "/dev/null"]);
    // Only what is done to the store may fail: the program itself must come to run.
    command.arg("-P").arg(folder);
    for path in ["db", "blobs", "witness", "witness.new", "conf"] {
        command.arg("-P").arg(folder.join(path));
    }
    command.arg("-e").arg(format!("inject={what}"));
    command.arg(env::current_exe().unwrap()).args([TEST, "--exact", "--nocapture"]);
    command.env(FOLDER, folder).output().unwrap()
}

impl Told {
    fn read(what: &str, output: &Output) -> Self {
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{what}: {:?}\n{text}\n{errors}", output.status);
        let mut told = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("acknowledged", number)) => {
                    told.taken_back |= told.refused > 0;
                    told.acknowledged.push(number.parse().unwrap());
                }
                Some(("refused", _)) => told.refused += 1,
                Some(("unopened", why)) => told.unopened = Some(why.to_owned()),
                _ if line == "unhealthy" => told.unhealthy = true,
                _ => {}
            }
        }
        told
    }
}

/// The child: asks for revocations, one after the other, and tells what it was answered.
fn revoke(folder: &Path) {
    println!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let list = match List::open(folder, &Options::new([7; 8], UnixTime::from_secs(1_000))) {
        Ok(list) => list,
        Err(why) => return println!("unopened {why}"),
    };
    let mut patience = RECOVERS_WITHIN;
    for number in 0..REVOCATIONS {
        // Large enough that sled goes through several of its buffers.
        let note =
            Note { reason: "x".repeat(1_000), by: String::new(), at: UnixTime::from_secs(900) };
        match runtime.block_on(list.revoke(Entry::exact(print(number), None), note)) {
            Ok(_) => println!("acknowledged {number}"),
            Err(why) => {
                println!("refused {why}");
                patience = recovered(&list, patience);
            }
        }
    }
    if list.healthy().is_err() {
        println!("unhealthy");
    }
}

/// Waits until the list is well again. Returns how long to wait the next time: not at all once it was in vain.
fn recovered(list: &List, patience: Duration) -> Duration {
    let began = Instant::now();
    while list.healthy().is_err() {
        if began.elapsed() >= patience {
            return Duration::ZERO;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    patience
}

fn open(folder: &Path) -> List {
    List::open(folder, &Options::new([9; 8], UnixTime::from_secs(2_000))).unwrap()
}

fn print(number: usize) -> Fingerprint {
    Fingerprint::token("issuer", &number.to_string())
}
