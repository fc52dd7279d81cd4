//! Whatever a bad disk makes of the folder, the list is whole, or it says that something is lost, or it does not open: it is never
//! silently smaller, and opening it never panics.
//!
//! Each seed does one kind of damage to one file of a good store, and prints itself where it fails.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hallpass_revocation::{Entry, List, Listed, Note, Opened, Options};
use hallpass_token::{Fingerprint, UnixTime};

/// How many seeds, and the first.
const SEEDS: &str = "TEST_DAMAGE_SEEDS";
const FIRST: &str = "TEST_DAMAGE_FIRST";
const ENTRIES: u64 = 400;
const HELD_BY: &str = "operator";

#[test]
fn a_damaged_list_is_whole_or_says_so() {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, seeds) = (number(FIRST, 100), number(SEEDS, 60_u64));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let place = tempfile::tempdir().unwrap();
    let good = place.path().join("good");
    let held = runtime.block_on(fill(&good));
    let (mut whole, mut lost) = (0_u64, 0_u64);
    for seed in first..first + seeds {
        let place = tempfile::tempdir_in(place.path()).unwrap();
        let folder = place.path().join("list");
        copy(&good, &folder);
        let what = format!("{FIRST}={seed} {SEEDS}=1: {}", damage(&folder, &mut Chance(seed)));
        match runtime.block_on(found(&folder, &held)) {
            Found::Whole => whole += 1,
            Found::Lost => lost += 1,
            Found::Wrong(why) => panic!("{what}: {why}"),
        }
    }
    // Damage that is always borne, or never, would show little.
    assert!(whole * 20 > seeds && lost * 20 > seeds, "{whole} whole, {lost} lost of {seeds}");
}

enum Found {
    Whole,
    /// It says that something is lost, and takes new entries.
    Lost,
    Wrong(String),
}

/// Opens the list twice: what was repaired once stays as it was found.
async fn found(folder: &Path, held: &[Listed]) -> Found {
    let mut before = None;
    for opening in 0..2_u64 {
        let list = match List::open(folder, &options(opening)) {
            Ok(list) => list,
            Err(why) => return Found::Wrong(format!("not opened: {why}")),
        };
        let whole = match list.opened() {
            Opened::Existing => true,
            Opened::Fresh { .. } => false,
            Opened::Created => return Found::Wrong("taken for a new one".to_owned()),
        };
        if *before.get_or_insert(whole) != whole {
            return Found::Wrong("what was found changed with the second opening".to_owned());
        }
        let expected = if whole { held } else { &[] };
        let mut listed = match list.page(0, 10_000) {
            Ok(listed) => listed,
            Err(why) => return Found::Wrong(format!("opened, but not read: {why}")),
        };
        listed.retain(|listed| listed.note.as_ref().is_some_and(|note| note.by == HELD_BY));
        if listed != expected {
            return Found::Wrong(format!("{} of {} listed", listed.len(), expected.len()));
        }
        if let Some(missing) = held.iter().find(|held| whole && !in_index(&list, held)) {
            return Found::Wrong(format!("{missing:?} is not in the index"));
        }
        let (entry, note) = entry(ENTRIES + opening, "after");
        if let Err(why) = list.revoke(entry, note).await {
            return Found::Wrong(format!("takes nothing more: {why}"));
        }
    }
    if before == Some(true) { Found::Whole } else { Found::Lost }
}

/// A closed store, written by two processes, that holds what sled keeps in each of its kinds of files. Returns what is in it.
async fn fill(folder: &Path) -> Vec<Listed> {
    for half in [0..ENTRIES / 2, ENTRIES / 2..ENTRIES] {
        let list = List::open(folder, &options(0)).unwrap();
        for number in half {
            let (entry, note) = entry(number, HELD_BY);
            list.revoke(entry, note).await.unwrap();
        }
    }
    let list = List::open(folder, &options(0)).unwrap();
    let held = list.page(0, 10_000).unwrap();
    assert_eq!(held.len() as u64, ENTRIES);
    held
}

fn entry(number: u64, by: &str) -> (Entry, Note) {
    let print = Fingerprint::token("issuer", &number.to_string());
    let at = UnixTime::from_secs(900);
    let entry = match number % 3 {
        0 => Entry::exact(print, None),
        1 => Entry::exact(print, Some(UnixTime::from_secs(5_000 + number))),
        _ => Entry::cutoff(print, at, None),
    };
    let reason = "x".repeat(usize::try_from(number * 7 % 1_000).unwrap());
    (entry, Note { reason, by: by.to_owned(), at })
}

fn in_index(list: &List, held: &Listed) -> bool {
    let (index, print) = (list.index(), held.entry.fingerprint);
    held.entry
        .issued_before
        .map_or_else(|| index.contains(print), |at| index.cutoff(print) == Some(at))
}

fn options(opening: u64) -> Options {
    Options::new((7 + opening).to_be_bytes(), UnixTime::from_secs(1_000 + opening))
}

/// Damages one file of the folder, and says how.
fn damage(folder: &Path, chance: &mut Chance) -> String {
    let files = files(folder);
    let path = &files[chance.below(files.len())];
    let mut bytes = fs::read(path).unwrap();
    let from = chance.below(bytes.len().max(1));
    let len = (1 + chance.below(5_000)).min(bytes.len() - from);
    let how = match chance.below(8) {
        0 => {
            fs::remove_file(path).unwrap();
            return format!("{} removed", path.display());
        }
        1 => {
            bytes.truncate(from);
            "cut off"
        }
        2 => {
            bytes[from..from + len].fill(0);
            "zeroed"
        }
        3 => {
            bytes[from..from + len].iter_mut().for_each(|byte| *byte = chance.byte());
            "overwritten"
        }
        4 => {
            let source = chance.below(bytes.len() - len + 1);
            bytes.copy_within(source..source + len, from);
            "overwritten with another part"
        }
        5 => {
            bytes.drain(from..from + len);
            "made shorter in the middle"
        }
        6 => {
            bytes.extend((0..len).map(|_| chance.byte()));
            "made longer"
        }
        _ => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte ^= 1 << chance.below(8);
            }
            "one bit flipped"
        }
    };
    fs::write(path, bytes).unwrap();
    format!("{} {how}, {len} bytes from {from}", path.display())
}

/// The files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if item.file_type().unwrap().is_dir() {
            found.extend(files(&item.path()));
        } else {
            found.push(item.path());
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("blobs")).unwrap();
    for path in files(from) {
        fs::copy(&path, to.join(path.strip_prefix(from).unwrap())).unwrap();
    }
}

/// splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
