//! How long to wait before the next try: soon at first, then longer, never long, and not all followers at once.

use std::time::Duration;

use aws_lc_rs::rand;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The waits between tries.
#[derive(Debug)]
pub(super) struct Backoff {
    at_most: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { at_most: FIRST }
    }

    /// The next wait: at least half of a bound that doubles.
    pub(super) fn next(&mut self) -> Duration {
        let mut chance = [0; 1];
        // Without randomness the wait is the shortest.
        let _ = rand::fill(&mut chance);
        self.wait(chance[0])
    }

    fn wait(&mut self, chance: u8) -> Duration {
        let half = self.at_most / 2;
        self.at_most = (self.at_most * 2).min(LONGEST);
        half + half * u32::from(chance) / u32::from(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_scatter_over_half_of_it() {
        let (mut early, mut late) = (Backoff::new(), Backoff::new());
        for bound in [50, 100, 200, 400, 800, 1_000, 1_000] {
            let bound = Duration::from_millis(bound);
            assert_eq!((early.wait(0), late.wait(u8::MAX)), (bound / 2, bound));
        }
    }
}
