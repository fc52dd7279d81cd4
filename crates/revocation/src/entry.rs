//! What is revoked, and the operator's note about it.

use hallpass_token::{Fingerprint, UnixTime};

/// One revoked thing: what identifies it, and until when it must be remembered. Neither a name nor a reason is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What is revoked.
    pub fingerprint: Fingerprint,
    /// For a subject or a service: tokens whose root was issued at or before it are refused. `None` for an exact match.
    pub issued_before: Option<UnixTime>,
    /// When the entry may be dropped: the end of every token concerned plus twice the skew. `None` is never.
    pub until: Option<UnixTime>,
}

/// What a cut-off of everything stands under. It is no hash of a name: nobody can be called so.
pub(crate) const EVERYTHING: Fingerprint = Fingerprint::from_bytes([0xff; 16]);

impl Entry {
    /// A cut-off of all there is: whatever was issued at or before an instant. It never ends.
    pub const fn everything(issued_before: UnixTime) -> Self {
        Self::cutoff(EVERYTHING, issued_before, None)
    }

    /// Whether it is a cut-off of all there is.
    pub fn is_everything(&self) -> bool {
        self.fingerprint == EVERYTHING && self.issued_before.is_some()
    }

    /// An exact match: a token and its descendants, a session, or a key.
    pub const fn exact(fingerprint: Fingerprint, until: Option<UnixTime>) -> Self {
        Self { fingerprint, issued_before: None, until }
    }

    /// A cut-off: everything of a subject or service that was issued at or before an instant.
    pub const fn cutoff(
        fingerprint: Fingerprint,
        issued_before: UnixTime,
        until: Option<UnixTime>,
    ) -> Self {
        Self { fingerprint, issued_before: Some(issued_before), until }
    }

    /// The strictest of two entries for the same thing: the later cut-off, kept for longer.
    pub(crate) fn strictest(self, other: Self) -> Self {
        let until = match (self.until, other.until) {
            (Some(one), Some(two)) => Some(one.max(two)),
            _ => None,
        };
        Self { issued_before: self.issued_before.max(other.issued_before), until, ..self }
    }
}

/// The operator's record of a revocation. It stays in the issuer's store and never travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub at: UnixTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_keeps_the_later_cutoff_and_the_longer_life() {
        let print = Fingerprint::from_bytes([7; 16]);
        let at = UnixTime::from_secs;
        let table = [
            ((Some(5), Some(10)), (Some(9), Some(8)), (Some(9), Some(10))),
            ((Some(5), None), (Some(9), Some(8)), (Some(9), None)),
            ((None, Some(3)), (None, Some(4)), (None, Some(4))),
            ((None, Some(3)), (None, None), (None, None)),
        ];
        for (one, two, expected) in table {
            let entry = |(before, until): (Option<u64>, Option<u64>)| Entry {
                fingerprint: print,
                issued_before: before.map(at),
                until: until.map(at),
            };
            assert_eq!(entry(one).strictest(entry(two)), entry(expected));
            assert_eq!(entry(two).strictest(entry(one)), entry(expected));
        }
    }
}
