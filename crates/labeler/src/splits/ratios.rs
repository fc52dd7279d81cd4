//! Splits by ratio.
//!
//! Invariant: the same items, ratios and seed give the same split, always and everywhere: in whatever order the items come, on every
//! platform, with every version of every library. So that others can compute it, too, this is all of it:
//!
//! 1. The ratios are rounded to whole parts in 1,000,000,000; what is left over belongs to no split. Should they add up to more through
//!    the rounding, the greatest (of equals the first) gives way.
//! 2. Unstratified, all items are one group. Stratified, an item is in the group of its class; of several the rarest, which is the
//!    one that the fewest items carry, and of equally rare ones the first by the bytes of its name. The groups go by the bytes of
//!    their classes' names; the items without a class are a group before them all.
//! 3. Group after group, each of train, validation, test and none gets the whole items of its exact share (the group's size times the
//!    ratio). The items that remain go one each to those that have a broken share and to which most is owed: the broken shares of all
//!    groups up to this one, less the remaining items they got. Of equals the first goes first.
//! 4. A group's items are sorted by the SHA-256 of the seed (8 bytes, the highest first) and the path (UTF-8). The first of them are for
//!    training, the next for validation, the next for test, the last for nothing.
//!
//! So a split's part of a group is never off by a whole item, and over all groups, the rests balance.
//!
//! Items that must stay together (equal files, and groups that were asked for) are one unit, drawn by the path of its first item and with
//! the classes of all of them. It counts as many items as it has. In step 4 a unit belongs where its middle lies. What a split got too
//! much or too little of by that in one group is taken from it or added to it in the next.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::Error;
use crate::model::dataset::Split;
use crate::model::spec::digest;

/// A whole, in the parts that ratios are rounded to.
const WHOLE: u64 = 1_000_000_000;
/// So much more than 1 may ratios add up to: what a computer cannot help.
const SLACK: f64 = 1e-9;

/// What becomes of an item; no split comes last.
const KINDS: [Option<Split>; 4] =
    [Some(Split::Train), Some(Split::Validation), Some(Split::Test), None];

/// So much of each split, and how they are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ratios {
    /// As `KINDS`; together a whole.
    parts: [u64; 4],
    seed: u64,
    stratify: bool,
}

/// An item, or several that stay together, to be in a split or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its path.
    pub(crate) path: String,
    /// Its classes by their places in the order of names.
    pub(crate) classes: Vec<u32>,
    /// How many items it is.
    pub(crate) size: u64,
}

impl Ratios {
    /// Checks the ratios of train, validation and test.
    pub(crate) fn new(ratios: [f64; 3], seed: u64, stratify: bool) -> Result<Self, Error> {
        for (field, ratio) in ["train", "validation", "test"].into_iter().zip(ratios) {
            if !(0.0..=1.0).contains(&ratio) {
                return Err(Error::invalid(field, format!("must be from 0 to 1; it is {ratio}")));
            }
        }
        let sum: f64 = ratios.iter().sum();
        if sum > 1.0 + SLACK {
            let problem = format!(
                "train, validation and test must add up to at most 1; they add up to {sum}"
            );
            return Err(Error::invalid("train", problem));
        }
        Ok(Self { parts: whole(ratios.map(in_parts)), seed, stratify })
    }

    /// Whether the items' classes matter.
    pub(crate) const fn stratify(&self) -> bool {
        self.stratify
    }

    /// The splits that are to have items.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Split> {
        let kinds = KINDS.into_iter().zip(self.parts).filter(|(_, part)| *part > 0);
        kinds.filter_map(|(kind, _)| kind)
    }

    /// The split of each item, as they come.
    pub(crate) fn assign<'a>(
        &self,
        items: impl IntoIterator<Item = &'a Candidate>,
    ) -> Vec<Option<Split>> {
        let items: Vec<_> = items.into_iter().collect();
        let mut assigned = vec![None; items.len()];
        let (mut owed, mut debts) = ([0; 4], [0; 4]);
        for mut group in self.groups(&items) {
            let size = group.iter().map(|at| items[*at].size).sum();
            let quotas = quotas(size, &self.parts, &mut owed);
            let settled = settled(&quotas, &debts);
            group.sort_by_cached_key(|at| (self.rank(&items[*at].path), items[*at].path.as_str()));
            let (mut before, mut given) = (0, [0; 4]);
            for at in group {
                let size = items[at].size;
                let kind = kind_at(&settled, before + before + size);
                assigned[at] = KINDS[kind];
                given[kind] += size;
                before += size;
            }
            for kind in 0..KINDS.len() {
                debts[kind] += signed(quotas[kind]) - signed(given[kind]);
            }
        }
        assigned
    }

    fn groups(&self, items: &[&Candidate]) -> Vec<Vec<usize>> {
        if !self.stratify {
            return vec![(0..items.len()).collect()];
        }
        let mut carried: BTreeMap<u32, u64> = BTreeMap::new();
        for (class, size) in
            items.iter().flat_map(|item| item.classes.iter().map(|class| (class, item.size)))
        {
            *carried.entry(*class).or_default() += size;
        }
        let rarest = |item: &Candidate| {
            item.classes.iter().copied().min_by_key(|class| (carried.get(class).copied(), *class))
        };
        let mut groups: BTreeMap<Option<u32>, Vec<usize>> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            groups.entry(rarest(item)).or_default().push(at);
        }
        groups.into_values().collect()
    }

    fn rank(&self, path: &str) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        hash.update(&self.seed.to_be_bytes());
        hash.update(path.as_bytes());
        digest(hash)
    }
}

/// How many of a group's items are of each kind.
fn quotas(size: u64, parts: &[u64; 4], owed: &mut [i128; 4]) -> [u64; 4] {
    const ONE: u128 = WHOLE as u128;
    let exact = parts.map(|part| u128::from(size) * u128::from(part));
    let mut quotas = exact.map(|exact| u64::try_from(exact / ONE).unwrap_or(size));
    let broken = exact.map(|exact| (exact % ONE).cast_signed());
    for (owed, broken) in owed.iter_mut().zip(broken) {
        *owed += broken;
    }
    let mut eager: Vec<usize> = (0..KINDS.len()).filter(|kind| broken[*kind] > 0).collect();
    eager.sort_by_key(|kind| std::cmp::Reverse(owed[*kind]));
    let left = size.saturating_sub(quotas.iter().sum());
    for kind in eager.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        quotas[kind] += 1;
        owed[kind] -= ONE.cast_signed();
    }
    quotas
}

/// The quotas with what is owed from earlier groups; together they stay what they were. Alone, items owe nothing.
fn settled(quotas: &[u64; 4], debts: &[i64; 4]) -> [i64; 4] {
    let mut settled: [i64; 4] = std::array::from_fn(|kind| signed(quotas[kind]) + debts[kind]);
    // Below nothing nobody gets: whoever has most gives way.
    while let Some(below) = (0..settled.len()).find(|kind| settled[*kind] < 0) {
        let most = (0..settled.len()).max_by_key(|kind| settled[*kind]).unwrap_or(below);
        if settled[most] <= 0 {
            break;
        }
        let moved = settled[most].min(-settled[below]);
        settled[most] -= moved;
        settled[below] += moved;
    }
    settled
}

/// The kind in whose part of a group this place lies; both doubled, so that the middle of a unit is whole.
fn kind_at(settled: &[i64; 4], doubled: u64) -> usize {
    let mut end = 0;
    let ends = settled.iter().map(|part| {
        end += part;
        end
    });
    let within = |end: i64| u64::try_from(end).is_ok_and(|end| end + end > doubled);
    ends.into_iter().position(within).unwrap_or(KINDS.len() - 1)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "from 0 to a whole"
)]
fn in_parts(ratio: f64) -> u64 {
    (ratio * WHOLE as f64).round() as u64
}

/// The parts with that of no split.
fn whole([train, validation, test]: [u64; 3]) -> [u64; 4] {
    let mut parts = [train, validation, test, 0];
    let sum = train + validation + test;
    parts[3] = WHOLE.saturating_sub(sum);
    let greatest = (0..3).min_by_key(|kind| std::cmp::Reverse(parts[*kind])).unwrap_or(0);
    parts[greatest] -= sum.saturating_sub(WHOLE);
    parts
}

#[cfg(test)]
mod tests;
