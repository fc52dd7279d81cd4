//! A process that is killed at any instant has kept every revocation that it had acknowledged.
//!
//! The test runs itself again as a child, which revokes from several writers at once and prints what was acknowledged. The parent
//! kills it (kill -9) at a random instant, opens the list and looks for everything, round after round in the same folder.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]
#![expect(clippy::print_stdout, reason = "the parent reads what the child prints")]

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hallpass_revocation::{Entry, List, Note, Opened, Options};
use hallpass_token::{Fingerprint, UnixTime};

/// In the child: the list's folder, and the round.
const FOLDER: &str = "HALLPASS_KILL_FOLDER";
const ROUND: &str = "HALLPASS_KILL_ROUND";
/// Another seed kills at other instants.
const SEED: &str = "HALLPASS_KILL_SEED";
const ROUNDS: u64 = 52;
const WRITERS: u64 = 6;

#[test]
fn what_was_acknowledged_survives_kill_nine() {
    if let Ok(folder) = env::var(FOLDER) {
        return revoke_until_killed(Path::new(&folder));
    }
    let seed = env::var(SEED).map_or(1, |seed| seed.parse().unwrap());
    let mut chance = Chance(seed);
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("list");
    let mut known = Acknowledged::default();
    for round in 0..ROUNDS {
        let before = known.exact.len();
        let (mut child, lines) = start(&folder, round);
        // One in four is killed while it starts, the others once it is at work.
        if round % 4 != 0 {
            known.read_one(&lines);
        }
        known.read_until(&lines, Instant::now() + Duration::from_micros(chance.below(80_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        known.read_rest(&lines);
        known.check(&folder, &format!("seed {seed}, round {round}, {before} before"));
    }
    assert!(known.exact.len() > 300, "only {} were acknowledged", known.exact.len());
}

/// What the children have printed.
#[derive(Default)]
struct Acknowledged {
    exact: BTreeSet<u64>,
    cutoff: u64,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("exact ") {
            self.exact.insert(number.parse().unwrap());
        } else if let Some(before) = line.strip_prefix("cutoff ") {
            self.cutoff = self.cutoff.max(before.parse().unwrap());
        }
    }

    /// Waits for the first line: the child is at work.
    fn read_one(&mut self, lines: &Receiver<String>) {
        let line = lines.recv_timeout(Duration::from_mins(1)).unwrap();
        self.note(&line);
    }

    fn read_until(&mut self, lines: &Receiver<String>, end: Instant) {
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.note(&line),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("the child has ended by itself"),
            }
        }
    }

    fn read_rest(&mut self, lines: &Receiver<String>) {
        while let Ok(line) = lines.recv() {
            self.note(&line);
        }
    }

    fn check(&self, folder: &Path, place: &str) {
        let list = List::open(folder, &options()).unwrap();
        assert!(!matches!(list.opened(), Opened::Fresh { .. }), "{place}: {:?}", list.opened());
        let index = list.index();
        let missing: Vec<_> =
            self.exact.iter().filter(|number| !index.contains(print(**number))).collect();
        assert!(missing.is_empty(), "{place}: lost {missing:?}");
        let cutoff = index.cutoff(subject()).map_or(0, UnixTime::as_secs);
        assert!(cutoff >= self.cutoff, "{place}: cut-off {cutoff}, was {}", self.cutoff);
        let listed = list.page(0, usize::MAX).unwrap().len() as u64;
        // The record that the last cut-off superseded may still wait for the next change.
        assert!(listed - total(&index) <= 1, "{place}: {listed} listed, {} known", total(&index));
    }
}

fn total(index: &hallpass_revocation::Index) -> u64 {
    index.usage().exact + index.usage().cutoffs
}

/// Runs this test again as a child. Only whole lines are passed on.
fn start(folder: &Path, round: u64) -> (Child, Receiver<String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["what_was_acknowledged_survives_kill_nine", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (lines, received) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
            let text = line.trim();
            if text.starts_with("exact ") || text.starts_with("cutoff ") {
                lines.send(text.to_owned()).unwrap();
            }
            line.clear();
        }
    });
    (child, received)
}

fn revoke_until_killed(folder: &Path) {
    let round: u64 = env::var(ROUND).unwrap().parse().unwrap();
    // The test harness has begun a line.
    println!();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let list = std::sync::Arc::new(List::open(folder, &options()).unwrap());
        let writers = (0..WRITERS).map(|writer| {
            let list = std::sync::Arc::clone(&list);
            tokio::spawn(async move { write(&list, round, writer).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// The first writer moves one subject's cut-off on and on; the others revoke tokens.
async fn write(list: &List, round: u64, writer: u64) {
    for step in 0_u64.. {
        let number = round << 32 | step << 8 | writer;
        let (entry, line) = if writer == 0 {
            let cutoff = Entry::cutoff(subject(), UnixTime::from_secs(number), None);
            (cutoff, format!("cutoff {number}"))
        } else {
            let until = (step % 2 == 0).then_some(UnixTime::from_secs(u64::MAX));
            (Entry::exact(print(number), until), format!("exact {number}"))
        };
        let note = Note { reason: "test".into(), by: writer.to_string(), at: now() };
        list.revoke(entry, note).await.unwrap();
        println!("{line}");
    }
}

fn options() -> Options {
    Options::new([7; 8], now())
}

fn now() -> UnixTime {
    UnixTime::from_secs(1_000)
}

fn print(number: u64) -> Fingerprint {
    Fingerprint::token("issuer", &number.to_string())
}

fn subject() -> Fingerprint {
    Fingerprint::subject("issuer", "ann")
}

/// splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }
}
