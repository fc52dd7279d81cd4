//! When a Temporal that does not answer is asked again, and how often that is said.
//!
//! Invariant: it is asked for as long as it takes, after pauses that grow to a longest one; the log does not grow with them.

use std::time::{Duration, Instant};

/// The pause after the first failure; each later one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(15);
/// So often it is said that Temporal does not answer.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// The failures since it last went well.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pause: Duration,
    failed: Option<Instant>,
    said: Option<Instant>,
}

impl Waiting {
    /// After a failure: how long to wait, and whether to say so. What went well for a minute begins anew.
    pub(crate) fn again(&mut self, now: Instant) -> (Duration, bool) {
        let is_over = |at: Option<Instant>| at.is_none_or(|at| now - at >= SAID_EVERY);
        self.pause = if is_over(self.failed) { FIRST } else { LONGEST.min(self.pause * 2) };
        self.failed = Some(now);
        let is_said = is_over(self.said);
        if is_said {
            self.said = Some(now);
        }
        (self.pause, is_said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_a_minute_is_said_once() {
        let (mut waiting, mut now) = (Waiting::default(), Instant::now());
        let mut heard = Vec::new();
        for _ in 0..10 {
            let (pause, is_said) = waiting.again(now);
            heard.push((pause.as_secs(), is_said));
            now += pause;
        }
        let expected = [1, 2, 4, 8, 15, 15, 15, 15, 15, 15];
        assert_eq!(heard.iter().map(|(pause, _)| *pause).collect::<Vec<_>>(), expected);
        // After 0, 60 and, were there more, 120 s.
        let said: Vec<_> = heard.iter().map(|(_, is_said)| *is_said).collect();
        assert_eq!(said.iter().filter(|is_said| **is_said).count(), 2, "{said:?}");
        assert!(said[0] && said[7], "{said:?}");
        now += SAID_EVERY;
        assert_eq!(waiting.again(now), (FIRST, true));
    }
}
