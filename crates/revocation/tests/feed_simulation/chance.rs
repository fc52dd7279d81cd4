//! All the chance of a run: splitmix64 from its seed.

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end
    }

    /// A number from -`by` to `by`.
    pub(crate) fn within(&mut self, by: u64) -> i64 {
        self.below(2 * by + 1).cast_signed() - by.cast_signed()
    }

    /// True once in `times`.
    pub(crate) const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Mostly short, now and then very long: in milliseconds.
    pub(crate) const fn delay(&mut self, calm: bool) -> u64 {
        if !calm && self.one_in(40) { self.below(3_000) } else { 1 + self.below(30) }
    }
}
