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
/// How the fingerprint of a mark begins; five bytes follow, which say which cut-off of everything it came after.
const MARK: [u8; 11] = [0xfe; 11];

/// Up to when entries may have been dropped, among those that were added after a cut-off of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Whatever ended at or before it may have been dropped.
    pub upto: UnixTime,
    /// The cut-off of everything that it came after; zero where there is none. A later cut-off makes the mark void: whatever was
    /// revoked before is refused by the cut-off.
    pub since: UnixTime,
}

impl Entry {
    /// A cut-off of all there is: whatever was issued at or before an instant. It never ends.
    pub const fn everything(issued_before: UnixTime) -> Self {
        Self::cutoff(EVERYTHING, issued_before, None)
    }

    /// Whether it is a cut-off of all there is.
    pub fn is_everything(&self) -> bool {
        self.fingerprint == EVERYTHING && self.issued_before.is_some()
    }

    /// A mark: nobody may judge a token by an earlier time than this. It never ends.
    pub fn forgotten(Forgotten { upto, since }: Forgotten) -> Self {
        let mut bytes = [0; 16];
        bytes[..11].copy_from_slice(&MARK);
        bytes[11..].copy_from_slice(&since.as_secs().to_be_bytes()[3..]);
        Self::cutoff(Fingerprint::from_bytes(bytes), upto, None)
    }

    /// The mark that it is, if it is one.
    pub fn as_forgotten(&self) -> Option<Forgotten> {
        let upto = self.issued_before?;
        let bytes = self.fingerprint.to_bytes();
        let rest: [u8; 5] = bytes.strip_prefix(&MARK)?.try_into().ok()?;
        let mut since = [0; 8];
        since[3..].copy_from_slice(&rest);
        Some(Forgotten { upto, since: UnixTime::from_secs(u64::from_be_bytes(since)) })
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
    fn a_mark_is_read_back_and_nothing_else_is_one() {
        let at = UnixTime::from_secs;
        for (upto, since) in [(0, 0), (1_800_000_000, 1_799_999_999), (u64::MAX, (1 << 40) - 1)] {
            let mark = Forgotten { upto: at(upto), since: at(since) };
            assert_eq!(Entry::forgotten(mark).as_forgotten(), Some(mark));
        }
        assert_eq!(Entry::everything(at(5)).as_forgotten(), None);
        let subject = Fingerprint::subject("issuer", "ann");
        assert_eq!(Entry::cutoff(subject, at(5), None).as_forgotten(), None);
    }

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
