#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod damage;
mod durable;
mod feed;
mod sweep;

use std::path::Path;

use super::*;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

fn options() -> Options {
    Options::new([1, 2, 3, 4, 5, 6, 7, 8], at(1_000))
}

fn open(folder: &Path) -> List {
    List::open(folder, &options()).unwrap()
}

fn print(number: u64) -> Fingerprint {
    Fingerprint::token("issuer", &number.to_string())
}

fn exact(number: u64) -> Entry {
    Entry::exact(print(number), None)
}

fn note(reason: &str) -> Note {
    Note { reason: reason.to_owned(), by: "operator".to_owned(), at: at(900) }
}

async fn revoke(list: &List, entry: Entry) -> u64 {
    list.revoke(entry, note("stolen")).await.unwrap()
}
