//! Where a node stands in the stream.
//!
//! Invariant: a stream that the node does not know counts only once it has been read to where it ended at the beginning and every
//! issuer has said in it that its whole list is there.

use std::collections::BTreeSet;

use hallpass_revocation::Entry;
use hallpass_revocation::feed::{Batch, Position};

use crate::stream::Told;

/// Where the link stands in the stream.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) epoch: u64,
    /// Up to here everything came or is gone.
    pub(crate) seen: u64,
    /// While the whole stream is read: up to where at least, and which issuers have not spoken.
    pub(crate) beginning: Option<(u64, BTreeSet<String>)>,
}

impl Place {
    /// The stream is read on where it is the one that the node knows, else from its beginning.
    pub(crate) fn of(told: Told, stands: Option<Position>, issuers: &BTreeSet<String>) -> Self {
        match stands {
            Some(at) if at.epoch == told.epoch && at.sequence <= told.last => {
                Self { epoch: told.epoch, seen: at.sequence, beginning: None }
            }
            _ => {
                let beginning = Some((told.last, issuers.clone()));
                Self { epoch: told.epoch, seen: 0, beginning }
            }
        }
    }

    pub(crate) fn spoke(&mut self, issuer: &str) {
        if let Some((_, lacking)) = &mut self.beginning {
            lacking.remove(issuer);
        }
    }

    pub(crate) fn batch(&self, entries: Vec<Entry>) -> Batch {
        let last = self
            .beginning
            .as_ref()
            .is_some_and(|(upto, lacking)| self.seen >= *upto && lacking.is_empty());
        let snapshot = self.beginning.is_some();
        Batch { epoch: self.epoch, snapshot, last, sequence: self.seen, entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: Told = Told { epoch: 7, last: 10 };

    fn place(stands: Option<(u64, u64)>) -> Place {
        let stands = stands.map(|(epoch, sequence)| Position { epoch, sequence });
        Place::of(TOLD, stands, &BTreeSet::from(["p".to_owned()]))
    }

    #[test]
    fn reads_on_only_in_the_stream_that_it_knows_and_not_beyond_its_end() {
        assert_eq!(place(Some((7, 10))).seen, 10);
        for stands in [None, Some((7, 11)), Some((8, 5))] {
            let place = place(stands);
            assert!(place.seen == 0 && place.beginning.is_some(), "{stands:?}");
        }
    }

    #[test]
    fn a_beginning_is_over_once_all_is_read_and_every_issuer_has_spoken() {
        let mut place = place(None);
        place.seen = 10;
        assert!(!place.batch(Vec::new()).last, "nobody has spoken");
        place.spoke("another");
        assert!(!place.batch(Vec::new()).last, "another has spoken");
        place.spoke("p");
        place.seen = 9;
        assert!(!place.batch(Vec::new()).last, "not all is read");
        place.seen = 10;
        let batch = place.batch(Vec::new());
        assert!(batch.last && batch.snapshot && batch.sequence == 10);
    }
}
