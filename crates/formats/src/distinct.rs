//! Few different numbers out of many.
//!
//! Promise: memory grows with the different numbers, not with how often they come.

/// Numbers, each once in the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distinct(Vec<u32>);

impl Distinct {
    /// Notes a number. Doubles are dropped whenever room runs out.
    pub(crate) fn note(&mut self, number: u32) {
        if self.0.last() == Some(&number) {
            return;
        }
        if self.0.len() == self.0.capacity() {
            self.tidy();
            self.0.reserve(self.0.len() + 1);
        }
        self.0.push(number);
    }

    /// All of them, sorted.
    pub(crate) fn sorted(mut self) -> Vec<u32> {
        self.tidy();
        self.0
    }

    fn tidy(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_take_no_room() {
        let mut numbers = Distinct::default();
        for number in (0..100_000).map(|number| number * 7 % 10) {
            numbers.note(number);
        }
        assert!(numbers.0.capacity() < 100);
        assert_eq!(numbers.sorted(), (0..10).collect::<Vec<_>>());
    }
}
