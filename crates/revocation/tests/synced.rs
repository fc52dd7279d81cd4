//! Before a revocation is acknowledged every file that was written for it, and the folder of every file that was made, is synced.
//!
//! The test runs itself again under strace: the child revokes and prints each acknowledgement, and the trace says what the operating
//! system was asked for before that. sled's snapshots are left out: what they hold is in the log.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test tells its parent what it did"
)]

use std::collections::HashMap;
use std::env;
use std::path::Path;
use std::process::Command;

use hallpass_revocation::{Entry, List, Note, Options};
use hallpass_token::{Fingerprint, UnixTime};

const FOLDER: &str = "HALLPASS_SYNCED_FOLDER";
const TEST: &str = "what_is_written_is_synced_before_it_is_acknowledged";
const REVOCATIONS: usize = 20;

#[test]
fn what_is_written_is_synced_before_it_is_acknowledged() {
    if let Ok(folder) = env::var(FOLDER) {
        return revoke(Path::new(&folder));
    }
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(env::var_os("CI").is_none(), "strace is not installed");
        eprintln!(
            "\n*** LEFT OUT: strace is not installed: nothing shows that files are synced ***\n"
        );
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (folder, trace) = (place.path().join("list"), place.path().join("trace"));
    let ran = Command::new("strace")
        .args(["-f", "-y", "-qq", "-s", "64", "-o"])
        .arg(&trace)
        .args([
            "-e",
            "trace=write,pwrite64,writev,fsync,fdatasync,openat,mkdir,mkdirat,rename,renameat,renameat2",
        ])
        .arg(env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(FOLDER, &folder)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let trace = std::fs::read_to_string(trace).unwrap();
    let mut seen = Trace { folder: folder.to_str().unwrap(), ..Trace::default() };
    trace.lines().enumerate().for_each(|(at, line)| seen.line(at, line));
    assert_eq!((seen.acknowledged, seen.syncs >= REVOCATIONS), (REVOCATIONS, true), "{trace}");
    assert_eq!(seen.missed, Vec::<String>::new(), "{trace}");
}

fn revoke(folder: &Path) {
    println!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let list = List::open(folder, &Options::new([7; 8], UnixTime::from_secs(1_000))).unwrap();
        for number in 0..REVOCATIONS {
            let entry = Entry::exact(Fingerprint::token("issuer", &number.to_string()), None);
            // Large enough that sled goes through several of its buffers.
            let note =
                Note { reason: "x".repeat(1_000), by: String::new(), at: UnixTime::from_secs(900) };
            list.revoke(entry, note).await.unwrap();
            println!("acknowledged {number}");
        }
    });
}

/// What the trace has shown so far.
#[derive(Default)]
struct Trace<'a> {
    folder: &'a str,
    /// Files and folders that were changed and not synced since, with the line of the change.
    unsynced: HashMap<String, usize>,
    /// Syncs under way: what, and the line where each began.
    syncing: HashMap<&'a str, (String, usize)>,
    syncs: usize,
    acknowledged: usize,
    missed: Vec<String>,
}

impl<'a> Trace<'a> {
    fn line(&mut self, at: usize, line: &'a str) {
        let Some((thread, call)) = line.split_once(char::is_whitespace) else { return };
        let call = call.trim_start();
        if call.contains("\"acknowledged ") {
            self.acknowledged += 1;
            let left = self.unsynced.keys().map(|path| format!("{path} before {call}"));
            self.missed.extend(left);
        } else if call.starts_with("<... fsync resumed")
            || call.starts_with("<... fdatasync resumed")
        {
            if let Some((path, began)) = self.syncing.remove(thread) {
                self.synced(&path, began, call);
            }
        } else if let Some(path) = argument(call, &["fsync(", "fdatasync("]) {
            if call.ends_with("<unfinished ...>") {
                self.syncing.insert(thread, (path.to_owned(), at));
            } else {
                self.synced(path, at, call);
            }
        } else if let Some(path) = argument(call, &["write(", "pwrite64(", "writev("]) {
            self.changed(path, at);
        } else if let Some(name) = makes(call).then(|| self.named_in(call)).flatten() {
            self.made(name, at);
        }
    }

    /// The last path of the folder that a call names.
    fn named_in(&self, call: &'a str) -> Option<&'a str> {
        call.split('"').rfind(|part| part.starts_with(self.folder))
    }

    fn changed(&mut self, path: &str, at: usize) {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        if path.starts_with(self.folder) && !name.starts_with("snap.") {
            self.unsynced.insert(path.to_owned(), at);
        }
    }

    fn made(&mut self, path: &str, at: usize) {
        let path = Path::new(path);
        let is_snapshot =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."));
        if let Some(folder) = path.parent().filter(|_| !is_snapshot) {
            self.unsynced.insert(folder.to_string_lossy().into_owned(), at);
        }
    }

    fn synced(&mut self, path: &str, began: usize, call: &str) {
        if call.ends_with("= 0") {
            self.syncs += 1;
            if self.unsynced.get(path).is_some_and(|changed| *changed < began) {
                self.unsynced.remove(path);
            }
        }
    }
}

/// Whether a call makes a file or a folder, or gives one its name.
fn makes(call: &str) -> bool {
    let opens = call.starts_with("openat(") && call.contains("O_CREAT");
    opens || call.starts_with("rename") || call.starts_with("mkdir")
}

/// The path of the descriptor that one of these calls is about.
fn argument<'a>(call: &'a str, names: &[&str]) -> Option<&'a str> {
    let arguments = names.iter().find_map(|name| call.strip_prefix(name))?;
    let (_, path) = arguments.split_once('<')?;
    path.split_once('>').map(|(path, _)| path)
}
