//! Chance that can be repeated: the same seed, the same choices. A failing test prints its seed.

/// Chooses. `HALLPASS_SEED` repeats a run.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// Chance from the environment's seed, or from a new one; printed either way.
    #[expect(clippy::print_stderr, reason = "a failing test shows what it printed")]
    pub(super) fn new() -> Self {
        let given = std::env::var("HALLPASS_SEED").ok().map(|seed| seed.parse().unwrap());
        let fresh = || {
            let random = crate::model::ids::random().unwrap();
            u64::from_be_bytes(random[..8].try_into().unwrap())
        };
        let seed = given.unwrap_or_else(fresh);
        eprintln!("HALLPASS_SEED={seed} repeats this");
        Self(seed)
    }

    /// The next 64 bits, by Steele, Lea and Flood's `SplitMix64`.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.bits() % u64::try_from(end).unwrap()).unwrap()
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}
