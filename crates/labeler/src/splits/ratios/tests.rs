#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test")]

use super::*;

const MOST_OWED: u64 = 2;

/// A sequence of numbers that is the same everywhere (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn ratios(&mut self) -> [f64; 3] {
        let cuts = [self.below(101), self.below(101), self.below(101)];
        let sum = cuts.iter().sum::<u64>().max(100);
        cuts.map(|cut| {
            f64::from(u32::try_from(cut).unwrap()) / f64::from(u32::try_from(sum).unwrap())
        })
    }

    fn items(&mut self) -> Vec<Candidate> {
        let (items, classes) = (self.below(200), 1 + self.below(30));
        let item = |chance: &mut Self, n| {
            let held = chance.below(4);
            let mut held: Vec<u32> =
                (0..held).map(|_| u32::try_from(chance.below(classes)).unwrap()).collect();
            held.sort_unstable();
            held.dedup();
            Candidate { path: format!("images/{n:04}.png"), classes: held, size: 1 }
        };
        (0..items).map(|n| item(self, n)).collect()
    }
}

fn items(paths: &[&str]) -> Vec<Candidate> {
    paths
        .iter()
        .map(|path| Candidate { path: (*path).to_owned(), classes: vec![], size: 1 })
        .collect()
}

fn refs(items: &[Candidate]) -> Vec<&Candidate> {
    items.iter().collect()
}

fn count(assigned: &[Option<Split>]) -> [usize; 4] {
    KINDS.map(|kind| assigned.iter().filter(|found| **found == kind).count())
}

fn counts(size: usize, ratios: [f64; 3]) -> [usize; 4] {
    let items: Vec<_> =
        (0..size).map(|n| Candidate { path: n.to_string(), classes: vec![], size: 1 }).collect();
    count(&Ratios::new(ratios, 0, false).unwrap().assign(&items))
}

/// Sorted with `printf '\0\0\0\0\0\0\0\7%s' PATH | sha256sum`.
#[test]
fn a_split_that_was_computed_by_hand() {
    let named = items(&["a.png", "b.png", "c.png", "d.png", "e.png"]);
    let assigned = Ratios::new([0.6, 0.2, 0.2], 7, false).unwrap().assign(&named);
    let (train, validation, test) =
        (Some(Split::Train), Some(Split::Validation), Some(Split::Test));
    assert_eq!(assigned, [test, train, train, train, validation]);
}

#[test]
fn counts_are_exact_by_largest_remainder() {
    let table = [
        (10, [0.7, 0.2, 0.1], [7, 2, 1, 0]),
        (100, [0.29, 0.57, 0.14], [29, 57, 14, 0]),
        (3, [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], [1, 1, 1, 0]),
        (6, [2.0 / 3.0, 1.0 / 6.0, 1.0 / 6.0], [4, 1, 1, 0]),
        (10, [0.34, 0.33, 0.33], [4, 3, 3, 0]),
        (10, [0.5, 0.0, 0.0], [5, 0, 0, 5]),
        (7, [0.25, 0.25, 0.25], [2, 2, 2, 1]),
        (1, [0.4, 0.3, 0.3], [1, 0, 0, 0]),
        (1, [0.0, 0.0, 1.0], [0, 0, 1, 0]),
        (5, [0.0, 0.0, 0.0], [0, 0, 0, 5]),
        (0, [0.8, 0.1, 0.1], [0, 0, 0, 0]),
        (100_000, [0.8, 0.1, 0.1], [80_000, 10_000, 10_000, 0]),
    ];
    for (size, ratios, right) in table {
        assert_eq!(counts(size, ratios), right, "{size} items, {ratios:?}");
    }
}

#[test]
fn ratios_that_are_none_are_refused() {
    let table = [
        ([f64::NAN, 0.1, 0.1], "train"),
        ([0.1, -0.1, 0.1], "validation"),
        ([0.1, 0.1, f64::INFINITY], "test"),
        ([0.1, 0.1, 1.5], "test"),
        ([0.6, 0.3, 0.2], "train"),
        ([0.5, 0.5, 0.000_000_01], "train"),
    ];
    for (ratios, named) in table {
        match Ratios::new(ratios, 0, false) {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, named, "{ratios:?}"),
            other => panic!("{ratios:?}: {other:?}"),
        }
    }
    for fine in [[0.7, 0.2, 0.1], [0.1 + 0.2, 0.3, 0.4], [0.0; 3], [-0.0, 1.0, 0.0]] {
        assert!(Ratios::new(fine, 0, false).is_ok(), "{fine:?}");
    }
}

/// An item of several classes counts with the rarest; a class of one item gives up no more than a class of many in the end.
#[test]
fn stratified_classes_keep_their_parts_and_the_whole_does_too() {
    let mut chance = Chance(1);
    for round in 0..300 {
        let (items, ratios) = (chance.items(), chance.ratios());
        let by = Ratios::new(ratios, chance.below(u64::MAX), true).unwrap();
        let assigned = by.assign(&items);
        for group in by.groups(&refs(&items)) {
            let group: Vec<_> = group.into_iter().map(|at| assigned[at]).collect();
            off_by_at_most(1, &group, &by, &format!("round {round}, a class"));
        }
        off_by_at_most(MOST_OWED, &assigned, &by, &format!("round {round}, all"));
    }
}

fn off_by_at_most(most: u64, assigned: &[Option<Split>], by: &Ratios, place: &str) {
    for (found, part) in count(assigned).into_iter().zip(by.parts) {
        let exact = part * assigned.len() as u64;
        let off = (found as u64 * WHOLE).abs_diff(exact);
        assert!(off < most * WHOLE, "{place}: {found} instead of {exact} billionths");
    }
}

#[test]
fn the_same_seed_gives_the_same_split_whatever_the_order() {
    let mut chance = Chance(2);
    for _ in 0..100 {
        let (mut items, ratios, seed) = (chance.items(), chance.ratios(), chance.below(1000));
        for stratify in [false, true] {
            let by = Ratios::new(ratios, seed, stratify).unwrap();
            let named = |items: &[Candidate]| -> BTreeMap<String, Option<Split>> {
                items.iter().map(|item| item.path.clone()).zip(by.assign(items)).collect()
            };
            let first = named(&items);
            for at in (1..items.len()).rev() {
                items.swap(at, usize::try_from(chance.below(at as u64 + 1)).unwrap());
            }
            assert_eq!(named(&items), first);
        }
    }
}

#[test]
fn another_seed_gives_another_split() {
    let items: Vec<_> =
        (0..100).map(|n| Candidate { path: n.to_string(), classes: vec![], size: 1 }).collect();
    let by = |seed| Ratios::new([0.5, 0.25, 0.25], seed, false).unwrap().assign(&items);
    assert_ne!(by(1), by(2));
    assert_eq!(count(&by(1)), count(&by(2)));
}

#[test]
fn an_item_of_several_classes_counts_with_the_rarest() {
    let item = |path: &str, classes: &[u32]| Candidate {
        path: path.into(),
        classes: classes.into(),
        size: 1,
    };
    let items = [
        item("a", &[0, 1]),
        item("b", &[0]),
        item("c", &[0, 2]),
        item("d", &[1, 2]),
        item("e", &[]),
    ];
    let groups = Ratios::new([1.0, 0.0, 0.0], 0, true).unwrap().groups(&refs(&items));
    // Class 0 has three items; 1 and 2 have two each, of which 1 comes first.
    assert_eq!(groups, [vec![4], vec![1], vec![0, 3], vec![2]]);
}

fn units(sizes: impl IntoIterator<Item = u64>, classes: u32) -> Vec<Candidate> {
    let unit = |(n, size): (u32, u64)| {
        let classes = if classes == 0 { vec![] } else { vec![n % classes] };
        Candidate { path: format!("{n:04}"), classes, size }
    };
    (0..).zip(sizes).map(unit).collect()
}

/// How many items each kind has.
fn weigh(units: &[Candidate], assigned: &[Option<Split>]) -> [u64; 4] {
    KINDS.map(|kind| {
        let of = units.iter().zip(assigned).filter(|(_, found)| **found == kind);
        of.map(|(unit, _)| unit.size).sum()
    })
}

#[test]
fn units_stay_whole_and_the_parts_come_near() {
    let mut chance = Chance(3);
    for round in 0..200 {
        let biggest = 1 + chance.below(20);
        let units = units((0..200).map(|_| 1 + chance.below(biggest)), 0);
        let size: u64 = units.iter().map(|unit| unit.size).sum();
        let by = Ratios::new([0.7, 0.2, 0.1], round, false).unwrap();
        let found = weigh(&units, &by.assign(&units));
        assert_eq!(found.iter().sum::<u64>(), size);
        for (found, part) in found.into_iter().zip(by.parts) {
            let off = (found * WHOLE).abs_diff(part * size);
            assert!(off <= (biggest + 1) * WHOLE, "round {round}: {found} of {size}");
        }
    }
}

/// Three units a class: none of the classes can be split as was asked, but all together can.
#[test]
fn what_one_class_cannot_have_another_gets() {
    let units = units(std::iter::repeat_n(10, 60), 20);
    let by = Ratios::new([0.8, 0.1, 0.1], 1, true).unwrap();
    assert_eq!(weigh(&units, &by.assign(&units)), [480, 60, 60, 0]);
}
