#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hallpass_token::{Fingerprint, UnixTime};

use super::*;

/// Spreads a number over all bits, as a hash would.
fn print(number: u64) -> Fingerprint {
    let mixed = |seed: u64| {
        let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let whole = u128::from(mixed(1)) << 64 | u128::from(mixed(2));
    Fingerprint::from_bytes(whole.to_be_bytes())
}

fn exact(number: u64) -> Entry {
    Entry::exact(print(number), None)
}

#[test]
fn finds_what_was_inserted_and_nothing_else() {
    let index = Index::default();
    let entries: Vec<Entry> = (0..200_000).map(exact).collect();
    for part in entries.chunks(7_919) {
        index.insert(part);
    }
    assert!((0..200_000).all(|number| index.contains(print(number))));
    assert!(!(200_000..400_000).any(|number| index.contains(print(number))));
    assert_eq!(index.usage(), Usage { exact: 200_000, cutoffs: 0 });
}

#[test]
fn finds_keys_that_are_anything_but_uniform() {
    let index = Index::default();
    // One shard; dense at both ends and in a cluster, so that the guess is far off.
    let bodies = (0..500_u128).chain((0..500).map(|n| (1 << 100) + n * 2)).chain([(1 << 112) - 1]);
    let prints: Vec<_> = bodies.map(|body| Fingerprint::from_bytes(body.to_be_bytes())).collect();
    let entries: Vec<_> = prints.iter().map(|print| Entry::exact(*print, None)).collect();
    index.insert(&entries);
    assert!(prints.iter().all(|print| index.contains(*print)));
    let absent =
        (0..500_u128).map(|n| (1 << 100) + n * 2 + 1).chain([500, 1 << 99, (1 << 112) - 2]);
    for body in absent {
        assert!(!index.contains(Fingerprint::from_bytes(body.to_be_bytes())), "{body:x}");
    }
}

#[test]
fn removes_only_what_is_named() {
    let index = Index::default();
    let entries: Vec<Entry> = (0..10_000).map(exact).collect();
    index.insert(&entries);
    index.remove(&entries[..5_000]);
    assert!(!(0..5_000).any(|number| index.contains(print(number))));
    assert!((5_000..10_000).all(|number| index.contains(print(number))));
    index.remove(&entries);
    assert_eq!(index.usage(), Usage { exact: 0, cutoffs: 0 });
}

#[test]
fn of_two_cutoffs_the_later_counts_in_either_order() {
    for order in [[5, 9], [9, 5]] {
        let index = Index::default();
        for before in order {
            index.insert(&[Entry::cutoff(print(1), UnixTime::from_secs(before), None)]);
        }
        assert_eq!(index.cutoff(print(1)), Some(UnixTime::from_secs(9)));
    }
    let index = Index::default();
    let both = [9, 5].map(|before| Entry::cutoff(print(1), UnixTime::from_secs(before), None));
    index.insert(&both);
    assert_eq!(index.cutoff(print(1)), Some(UnixTime::from_secs(9)));
}

#[test]
fn a_cutoff_refuses_what_was_issued_at_or_before_it() {
    let index = Index::default();
    index.insert(&[Entry::cutoff(print(1), UnixTime::from_secs(100), None)]);
    for (issued, refused) in [(99, true), (100, true), (101, false)] {
        assert_eq!(index.is_cut_off(&[print(2), print(1)], UnixTime::from_secs(issued)), refused);
    }
    assert!(!index.contains(print(1)), "a cut-off is no exact match");
}

#[test]
fn every_change_moves_the_generation() {
    let index = Index::default();
    let first = index.generation();
    index.insert(&[exact(1)]);
    let second = index.generation();
    index.remove(&[exact(1)]);
    assert!(first != second && second != index.generation());
}

/// A reader that sees the new generation must see the new entry: that is what makes a cache of look-ups right.
#[test]
fn who_sees_the_generation_sees_the_entry() {
    let index = Arc::new(Index::default());
    let stop = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (index, stop) = (Arc::clone(&index), Arc::clone(&stop));
        move || {
            while !stop.load(Ordering::Relaxed) {
                let seen = index.generation();
                if seen > 0 {
                    assert!(index.contains(print(seen)), "generation {seen} without its entry");
                }
            }
        }
    });
    for number in 1..20_000 {
        index.insert(&[exact(number)]);
    }
    stop.store(true, Ordering::Relaxed);
    reader.join().unwrap();
}
