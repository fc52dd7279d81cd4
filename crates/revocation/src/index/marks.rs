//! Up to when a list has dropped entries.
//!
//! Invariant: the mark never goes back, except by a cut-off of everything, which refuses whatever may have been dropped before.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hallpass_token::UnixTime;

use crate::Entry;

/// The marks of a list. Reading the one in force is one atomic load.
#[derive(Default)]
pub(super) struct Marks {
    known: Mutex<Known>,
    upto: AtomicU64,
}

#[derive(Default)]
struct Known {
    /// The newest cut-off of everything, in seconds.
    everything: u64,
    /// By the cut-off of everything that each came after. A mark may arrive before its cut-off does.
    marks: BTreeMap<u64, u64>,
}

impl Marks {
    pub(super) fn upto(&self) -> UnixTime {
        UnixTime::from_secs(self.upto.load(Ordering::Acquire))
    }

    /// Takes in what entries say about it.
    pub(super) fn learn(&self, entries: &[Entry]) {
        let says = |entry: &&Entry| entry.is_everything() || entry.as_forgotten().is_some();
        let mut saying = entries.iter().filter(says).peekable();
        if saying.peek().is_none() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in saying {
            known.learn(entry);
        }
        let upto = known.marks.get(&known.everything).copied().unwrap_or_default();
        self.upto.store(upto, Ordering::Release);
    }
}

impl Known {
    fn learn(&mut self, entry: &Entry) {
        if let Some(mark) = entry.as_forgotten() {
            let upto = self.marks.entry(mark.since.as_secs()).or_default();
            *upto = mark.upto.as_secs().max(*upto);
        } else if let Some(before) = entry.issued_before {
            self.everything = before.as_secs().max(self.everything);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Forgotten;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn mark(upto: u64, since: u64) -> Entry {
        Entry::forgotten(Forgotten { upto: at(upto), since: at(since) })
    }

    #[test]
    fn a_mark_only_rises_and_a_cutoff_of_everything_begins_a_new_one() {
        let marks = Marks::default();
        let steps = [
            (mark(500, 0), 500),
            (mark(400, 0), 500),
            (Entry::exact(hallpass_token::Fingerprint::session("s"), None), 500),
            (mark(90, 70), 500),
            (Entry::everything(at(70)), 90),
            (mark(900, 0), 90),
            (mark(95, 70), 95),
            (Entry::everything(at(60)), 95),
        ];
        for (step, (entry, expected)) in steps.into_iter().enumerate() {
            marks.learn(&[entry]);
            assert_eq!(marks.upto(), at(expected), "step {step}");
        }
    }
}
