//! Finds a key in a sorted shard by where it should be.
//!
//! A shard keeps beside its keys 16 bits of each, its tags. Fingerprints are uniform, so in a shard of n a tag stands within about √n
//! of its share of the range: counting the smaller ones in a window there finds it, without a branch that could be guessed wrong,
//! and nearly always within two cache lines; the keys are read only where a tag is equal. Where keys are not uniform the
//! window misses and the search halves instead, so the cost stays logarithmic.

/// How many tags to count: at 153 in a shard all but one in a hundred are within it.
const WINDOW: usize = 32;

/// The bits of a key that follow the `shard_bits` which all keys of a shard share.
pub(super) const fn tag(key: u128, shard_bits: u32) -> u16 {
    ((key << shard_bits) >> (u128::BITS - u16::BITS)) as u16
}

/// The place of the first of the sorted `tags` that is not below `tag`.
pub(super) fn first_not_below(tags: &[u16], tag: u16) -> usize {
    let guess = (usize::from(tag) * tags.len()) >> u16::BITS;
    let start = guess.saturating_sub(WINDOW / 2).min(tags.len().saturating_sub(WINDOW));
    let rest = &tags[start..];
    let (below, seen) = match rest.first_chunk::<WINDOW>() {
        Some(window) => (count_below(window, tag), WINDOW),
        None => (count_below(rest, tag), rest.len()),
    };
    let not_before = below > 0 || start == 0;
    let not_after = below < seen || start + seen == tags.len();
    if not_before && not_after {
        return start + below;
    }
    tags.partition_point(|each| *each < tag)
}

fn count_below(tags: &[u16], tag: u16) -> usize {
    tags.iter().map(|each| usize::from(*each < tag)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_same_as_halving(
            mut tags in prop_oneof![
                prop::collection::vec(any::<u16>(), 0..400),
                prop::collection::vec(0_u16..300, 0..400),
                prop::collection::vec(65_000_u16.., 0..400),
            ],
            tag in prop_oneof![any::<u16>(), 0_u16..300, 65_000_u16..],
        ) {
            tags.sort_unstable();
            prop_assert_eq!(first_not_below(&tags, tag), tags.partition_point(|each| *each < tag));
        }
    }

    #[test]
    fn the_tag_is_what_follows_the_shards_bits() {
        assert_eq!(tag(0xabcd_1234_5678 << 80, 16), 0x1234);
        assert_eq!(tag(0xabcd_1234_5678 << 80, 8), 0xcd12);
    }
}
