//! A process that has no descriptor left still revokes, and is well again by itself once it has some.
//!
//! The only test of its program, for it takes all descriptors that the process may have.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hallpass_revocation::{
    Entry, Handle, List, NewSession, Note, Options, SessionLimits, Sessions,
};
use hallpass_token::{Fingerprint, UnixTime};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Everything that the process may open, opened.
fn take_all() -> Vec<File> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..limit }).unwrap();
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

async fn revoke(list: &List, number: u64) {
    let note = Note { reason: "x".repeat(1_000), by: "operator".to_owned(), at: NOW };
    let entry = Entry::exact(Fingerprint::token("issuer", &number.to_string()), None);
    list.revoke(entry, note).await.unwrap();
}

async fn begin(sessions: &Sessions, number: u8) -> bool {
    let holder = Fingerprint::subject("issuer", "ann");
    // Several of these in one page are more than sled keeps in its log: it makes a file for them.
    let token = "x".repeat(23_000);
    let id = format!("s-{number}");
    let new =
        NewSession { id, holder, user: holder, token: &token, token_ends: None, about: Vec::new() };
    sessions.begin(&Handle::new(&[number; 32]), new, NOW).await.is_ok()
}

#[tokio::test]
async fn entries_are_made_durable_without_a_descriptor_and_nothing_stays_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [of_list, of_sessions] = ["list", "sessions"].map(|name| folder.path().join(name));
    let list = List::open(&of_list, &Options::new([7; 8], NOW)).unwrap();
    let limits = SessionLimits::default();
    let options = Options::new([8; 8], NOW);
    let sessions = Sessions::open(&of_sessions, &options, limits, Arc::default()).unwrap();
    assert!(begin(&sessions, 0).await);
    let taken = take_all();
    assert!(File::open("/dev/null").is_err());
    for number in 0..300 {
        revoke(&list, number).await;
    }
    assert!(list.healthy().is_ok());
    let mut refused = 0;
    for number in 1..60 {
        refused += u32::from(!begin(&sessions, number).await);
    }
    drop(taken);
    let began = Instant::now();
    while sessions.healthy().is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "the sessions stay refused");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused > 0, "sled made no file for large records");
    for number in 60..90 {
        assert!(begin(&sessions, number).await, "{number}");
    }
    drop(list);
    let list = List::open(&of_list, &Options::new([7; 8], NOW)).unwrap();
    assert_eq!(list.index().usage().exact, 300);
}
