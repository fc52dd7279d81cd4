#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod damage;
mod durable;
mod feed;
mod files;
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

/// Opens a copy of the files as they are: what another process would find after kill -9.
fn open_copy(folder: &Path) -> (tempfile::TempDir, List) {
    let place = tempfile::tempdir().unwrap();
    copy(folder, &place.path().join("list"));
    let list = open(&place.path().join("list"));
    (place, list)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}
