//! Finds a key in a sorted slice by where it should be.
//!
//! Fingerprints are uniform, so in a shard of n a key stands within about √n of its share of the range: a short walk finds
//! it. Where keys are not uniform the walk gives up and halves instead, so the cost stays logarithmic.

use std::cmp::Ordering;

use super::shards::Slot;

/// How far to walk before halving: at 153 a shard nearly all keys are within it.
const WALK: usize = 32;

/// The place of `key` in `slots`, which are sorted and share their first `shard_bits` bits.
pub(super) fn position<T: Slot>(slots: &[T], key: u128, shard_bits: u32) -> Option<usize> {
    let guess = guess(slots.len(), key, shard_bits);
    match slots.get(guess)?.key().cmp(&key) {
        Ordering::Equal => Some(guess),
        Ordering::Less => after(slots, guess + 1, key),
        Ordering::Greater => before(slots, guess, key),
    }
}

/// Where the key would be if the keys were spread evenly.
fn guess(len: usize, key: u128, shard_bits: u32) -> usize {
    let within = u64::try_from((key << shard_bits) >> 64).unwrap_or_default();
    let place = (u128::from(within) * len as u128) >> 64;
    usize::try_from(place).unwrap_or_default()
}

fn after<T: Slot>(slots: &[T], start: usize, key: u128) -> Option<usize> {
    let end = slots.len().min(start + WALK);
    for (at, slot) in slots[start..end].iter().enumerate() {
        match slot.key().cmp(&key) {
            Ordering::Equal => return Some(start + at),
            Ordering::Greater => return None,
            Ordering::Less => {}
        }
    }
    let rest = slots[end..].binary_search_by_key(&key, Slot::key).ok()?;
    Some(end + rest)
}

fn before<T: Slot>(slots: &[T], end: usize, key: u128) -> Option<usize> {
    let start = end.saturating_sub(WALK);
    for (at, slot) in slots[start..end].iter().enumerate().rev() {
        match slot.key().cmp(&key) {
            Ordering::Equal => return Some(start + at),
            Ordering::Less => return None,
            Ordering::Greater => {}
        }
    }
    slots[..start].binary_search_by_key(&key, Slot::key).ok()
}
