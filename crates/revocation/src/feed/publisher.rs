//! What an issuer sends to one follower.
//!
//! Invariant: an answer is sent only after every entry up to its sequence, and its sequence was read after its probe came.

use std::collections::VecDeque;

use super::{Answer, Batch, Probe};

/// How many probes may wait for their answer: more than a follower has under way.
const ASKED: usize = 128;

/// One connection's state. A driver reports what comes in, does what [`Publisher::step`] says, and reports what it sent.
#[derive(Debug, Clone)]
pub struct Publisher {
    epoch: u64,
    state: State,
    asked: VecDeque<Answer>,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing until a probe comes or the list's sequence moves.
    Wait,
    /// Read the list after this sequence, send what comes, and report it by [`Publisher::sent`].
    Read {
        /// The sequence to read from.
        after: u64,
        /// Whether to read a snapshot's page.
        snapshot: bool,
    },
    /// Send this answer.
    Answer(Answer),
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// The follower has not said where it stands.
    Silent,
    /// It lacks everything, or its position is not of this store.
    Snapshot { after: u64 },
    /// It has everything up to here.
    Live { sent: u64 },
}

impl Publisher {
    /// For a new connection, to the store of this epoch.
    pub const fn new(epoch: u64) -> Self {
        Self { epoch, state: State::Silent, asked: VecDeque::new() }
    }

    /// A probe came. `acknowledged` is the list's sequence, read after that.
    pub fn probed(&mut self, probe: Probe, acknowledged: u64) {
        if matches!(self.state, State::Silent) {
            self.state = match probe.position {
                Some(at) if at.epoch == self.epoch && at.sequence <= acknowledged => {
                    State::Live { sent: at.sequence }
                }
                _ => State::Snapshot { after: 0 },
            };
        }
        if self.asked.len() < ASKED {
            let answer = Answer { probe: probe.number, epoch: self.epoch, sequence: acknowledged };
            self.asked.push_back(answer);
        }
    }

    /// What to do next, with the list's sequence as it is now. An answer that can be given comes before new entries, so that many
    /// revocations do not make a follower stale.
    pub fn step(&mut self, acknowledged: u64) -> Step {
        match self.state {
            State::Silent => Step::Wait,
            State::Snapshot { after } => Step::Read { after, snapshot: true },
            State::Live { sent } => match self.newest_answer(sent) {
                Some(answer) => Step::Answer(answer),
                None if sent < acknowledged => Step::Read { after: sent, snapshot: false },
                None => Step::Wait,
            },
        }
    }

    /// This batch was sent.
    pub fn sent(&mut self, batch: &Batch) {
        self.state = match batch.reaches() {
            Some(position) => State::Live { sent: position.sequence },
            None => State::Snapshot { after: batch.sequence },
        };
    }

    /// The newest probe that can be answered; it stands for the older ones.
    fn newest_answer(&mut self, sent: u64) -> Option<Answer> {
        let ready = self.asked.iter().take_while(|answer| answer.sequence <= sent).count();
        self.asked.drain(..ready).next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Position;

    fn probe(number: u64, position: Option<(u64, u64)>) -> Probe {
        let position = position.map(|(epoch, sequence)| Position { epoch, sequence });
        Probe { number, position }
    }

    fn batch(sequence: u64, snapshot: bool, last: bool) -> Batch {
        Batch { epoch: 7, snapshot, last, sequence, entries: Vec::new() }
    }

    #[test]
    fn resumes_only_in_its_own_store_and_not_beyond_its_end() {
        let table = [
            (Some((7, 5)), Step::Read { after: 5, snapshot: false }),
            (Some((7, 11)), Step::Read { after: 0, snapshot: true }),
            (Some((8, 5)), Step::Read { after: 0, snapshot: true }),
            (None, Step::Read { after: 0, snapshot: true }),
        ];
        for (position, expected) in table {
            let mut publisher = Publisher::new(7);
            assert_eq!(publisher.step(10), Step::Wait);
            publisher.probed(probe(1, position), 10);
            assert_eq!(publisher.step(10), expected, "{position:?}");
        }
    }

    #[test]
    fn answers_after_the_entries_that_the_answer_speaks_of_and_not_later() {
        let mut publisher = Publisher::new(7);
        publisher.probed(probe(1, Some((7, 5))), 10);
        assert_eq!(publisher.step(12), Step::Read { after: 5, snapshot: false });
        publisher.sent(&batch(8, false, false));
        assert_eq!(publisher.step(12), Step::Read { after: 8, snapshot: false });
        publisher.sent(&batch(10, false, false));
        let answer = Answer { probe: 1, epoch: 7, sequence: 10 };
        assert_eq!(publisher.step(12), Step::Answer(answer));
        assert_eq!(publisher.step(12), Step::Read { after: 10, snapshot: false });
        publisher.sent(&batch(12, false, false));
        assert_eq!(publisher.step(12), Step::Wait);
    }

    #[test]
    fn an_empty_store_still_sends_the_end_of_its_snapshot_before_it_answers() {
        let mut publisher = Publisher::new(7);
        publisher.probed(probe(1, None), 0);
        assert_eq!(publisher.step(0), Step::Read { after: 0, snapshot: true });
        publisher.sent(&batch(0, true, true));
        assert_eq!(publisher.step(0), Step::Answer(Answer { probe: 1, epoch: 7, sequence: 0 }));
    }

    #[test]
    fn within_a_snapshot_nothing_is_answered() {
        let mut publisher = Publisher::new(7);
        publisher.probed(probe(1, None), 3);
        publisher.sent(&batch(4, true, false));
        assert_eq!(publisher.step(9), Step::Read { after: 4, snapshot: true });
    }

    #[test]
    fn one_answer_stands_for_the_older_probes_and_few_are_kept() {
        let mut publisher = Publisher::new(7);
        for number in 0..1_000 {
            publisher.probed(probe(number, Some((7, 5))), 5);
        }
        let newest = Answer { probe: ASKED as u64 - 1, epoch: 7, sequence: 5 };
        assert_eq!(publisher.step(5), Step::Answer(newest));
        assert_eq!(publisher.step(5), Step::Wait);
    }
}
