//! How the store's keys and records are laid out: format 2. Format 1 had no fractions, and else the same.
//!
//! Invariant: what is written is read back the same, and no bytes make this panic. Numbers are big-endian, so that keys sort as
//! the numbers do. Everything is in one tree, so that one batch is one atomic change.

use hallpass_token::{Fingerprint, UnixTime};

use crate::feed::Position;
use crate::{Entry, Note};

use super::error::StoreError;

/// The format that this program writes.
pub(super) const FORMAT: u32 = 2;

pub(super) const META_FORMAT: &[u8] = b"mformat";
pub(super) const META_EPOCH: &[u8] = b"mepoch";
pub(super) const META_SEQUENCE: &[u8] = b"msequence";
pub(super) const META_POSITION: &[u8] = b"mposition";
pub(super) const META_LOST: &[u8] = b"mlost";

pub(super) const BY_FINGERPRINT: u8 = b'f';
pub(super) const BY_SEQUENCE: u8 = b's';
pub(super) const BY_END: u8 = b'u';
pub(super) const SUPERSEDED: u8 = b'x';

const HAS_CUTOFF: u8 = 1;
const HAS_END: u8 = 2;
const HAS_NOTE: u8 = 4;
/// The cut-off has a fraction.
const HAS_FRACTION: u8 = 8;

/// What identifies an entry: a fingerprint, and whether it is an exact match or a cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) fingerprint: Fingerprint,
    pub(super) cutoff: bool,
}

impl Key {
    pub(super) const fn of(entry: &Entry) -> Self {
        Self { fingerprint: entry.fingerprint, cutoff: entry.issued_before.is_some() }
    }
}

/// An entry as stored under its fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) entry: Entry,
    pub(super) note: Option<Note>,
}

pub(super) fn fingerprint_key(key: Key) -> [u8; 18] {
    let mut bytes = [0; 18];
    bytes[0] = BY_FINGERPRINT;
    bytes[1..17].copy_from_slice(&key.fingerprint.to_bytes());
    bytes[17] = u8::from(key.cutoff);
    bytes
}

pub(super) fn sequence_key(sequence: u64) -> [u8; 9] {
    let mut bytes = [BY_SEQUENCE; 9];
    bytes[1..].copy_from_slice(&sequence.to_be_bytes());
    bytes
}

/// Says that the record under this sequence goes once the one that supersedes it is durable.
pub(super) fn superseded_key(sequence: u64) -> [u8; 9] {
    let mut bytes = sequence_key(sequence);
    bytes[0] = SUPERSEDED;
    bytes
}

pub(super) fn end_key(until: UnixTime, key: Key) -> [u8; 26] {
    let mut bytes = [BY_END; 26];
    bytes[1..9].copy_from_slice(&until.as_secs().to_be_bytes());
    bytes[9..].copy_from_slice(&fingerprint_key(key)[1..]);
    bytes
}

/// The first end key at or after an instant.
pub(super) fn end_key_from(until: UnixTime) -> [u8; 9] {
    let mut bytes = [BY_END; 9];
    bytes[1..].copy_from_slice(&until.as_secs().to_be_bytes());
    bytes
}

pub(super) fn read_end_key(bytes: &[u8]) -> Result<Key, StoreError> {
    let mut reader = Reader(bytes.get(9..).unwrap_or_default());
    let fingerprint = Fingerprint::from_bytes(reader.take()?);
    Ok(Key { fingerprint, cutoff: reader.byte()? != 0 })
}

pub(super) fn read_sequence_key(bytes: &[u8]) -> Result<u64, StoreError> {
    Reader(bytes.get(1..).unwrap_or_default()).number()
}

/// An entry alone: flags, fingerprint, what the flags announce.
impl Entry {
    /// The entry as bytes: what the store keeps and what travels through NATS. At most 37.
    pub fn to_bytes(&self) -> Vec<u8> {
        write_entry(self)
    }

    /// Reads what [`Entry::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        read_entry(bytes).ok().filter(|entry| entry.to_bytes() == bytes)
    }
}

pub(super) fn write_entry(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(37);
    bytes.push(flags(entry));
    bytes.extend(entry.fingerprint.to_bytes());
    for instant in [entry.issued_before, entry.until].into_iter().flatten() {
        bytes.extend(instant.as_secs().to_be_bytes());
    }
    if let Some(micros) = fraction(entry) {
        bytes.extend(micros.to_be_bytes());
    }
    bytes
}

pub(super) fn read_entry(bytes: &[u8]) -> Result<Entry, StoreError> {
    Reader(bytes).entry().map(|(entry, _)| entry)
}

pub(super) fn write_stored(stored: &Stored) -> Vec<u8> {
    let mut bytes = stored.sequence.to_be_bytes().to_vec();
    bytes.extend(write_entry(&stored.entry));
    if let Some(note) = &stored.note {
        bytes[8] |= HAS_NOTE;
        bytes.extend(note.at.as_secs().to_be_bytes());
        bytes.extend((note.by.len() as u64).to_be_bytes());
        bytes.extend(note.by.as_bytes());
        bytes.extend(note.reason.as_bytes());
    }
    bytes
}

pub(super) fn read_stored(bytes: &[u8]) -> Result<Stored, StoreError> {
    let mut reader = Reader(bytes);
    let sequence = reader.number()?;
    let (entry, flags) = reader.entry()?;
    let note = if flags & HAS_NOTE == 0 { None } else { Some(reader.note()?) };
    Ok(Stored { sequence, entry, note })
}

pub(super) fn write_position(position: Position) -> Vec<u8> {
    [position.epoch.to_be_bytes(), position.sequence.to_be_bytes()].concat()
}

pub(super) fn read_position(bytes: &[u8]) -> Result<Position, StoreError> {
    let mut reader = Reader(bytes);
    Ok(Position { epoch: reader.number()?, sequence: reader.number()? })
}

pub(super) fn read_number(bytes: &[u8]) -> Result<u64, StoreError> {
    Reader(bytes).number()
}

fn flags(entry: &Entry) -> u8 {
    let cutoff = if entry.issued_before.is_some() { HAS_CUTOFF } else { 0 };
    let end = if entry.until.is_some() { HAS_END } else { 0 };
    let fraction = if fraction(entry).is_some() { HAS_FRACTION } else { 0 };
    cutoff | end | fraction
}

fn fraction(entry: &Entry) -> Option<u32> {
    entry.issued_before.map(UnixTime::subsec_micros).filter(|micros| *micros > 0)
}

/// Takes a record apart from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(StoreError::Record("too short"))?;
        self.0 = rest;
        Ok(*first)
    }

    fn byte(&mut self) -> Result<u8, StoreError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u64, StoreError> {
        self.take().map(u64::from_be_bytes)
    }

    fn entry(&mut self) -> Result<(Entry, u8), StoreError> {
        let flags = self.byte()?;
        let fingerprint = Fingerprint::from_bytes(self.take()?);
        let issued_before = self.instant(flags & HAS_CUTOFF != 0)?;
        let until = self.instant(flags & HAS_END != 0)?;
        let micros = if flags & HAS_FRACTION == 0 { 0 } else { u32::from_be_bytes(self.take()?) };
        let issued_before =
            issued_before.map(|before| UnixTime::from_parts(before.as_secs(), micros));
        Ok((Entry { fingerprint, issued_before, until }, flags))
    }

    fn instant(&mut self, present: bool) -> Result<Option<UnixTime>, StoreError> {
        if !present {
            return Ok(None);
        }
        self.number().map(UnixTime::from_secs).map(Some)
    }

    fn note(&mut self) -> Result<Note, StoreError> {
        let at = UnixTime::from_secs(self.number()?);
        let by_len = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let (by, reason) =
            self.0.split_at_checked(by_len).ok_or(StoreError::Record("a note is cut off"))?;
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec()).map_err(|_| StoreError::Record("a note is no text"))
        };
        Ok(Note { reason: text(reason)?, by: text(by)?, at })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use proptest::prelude::*;

    use super::*;

    /// As many as there are.
    const SECONDS: std::ops::Range<u64> = 0..(1 << 44);

    prop_compose! {
        fn any_stored()(
            sequence: u64, print: [u8; 16], before in proptest::option::of((SECONDS, 0..1_000_000_u32)),
            until in proptest::option::of(SECONDS), note: Option<(String, String, u32)>,
        ) -> Stored {
            let entry = Entry {
                fingerprint: Fingerprint::from_bytes(print),
                issued_before: before.map(|(secs, micros)| UnixTime::from_parts(secs, micros)),
                until: until.map(UnixTime::from_secs),
            };
            let note = note.map(|(reason, by, at)| Note { reason, by, at: UnixTime::from_secs(at.into()) });
            Stored { sequence, entry, note }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(stored in any_stored()) {
            prop_assert_eq!(&read_stored(&write_stored(&stored)).unwrap(), &stored);
            prop_assert_eq!(read_entry(&write_entry(&stored.entry)).unwrap(), stored.entry);
            let mut travelling = stored.entry.to_bytes();
            prop_assert_eq!(Entry::from_bytes(&travelling), Some(stored.entry));
            travelling.push(0);
            prop_assert_eq!(Entry::from_bytes(&travelling), None);
            prop_assert_eq!(read_sequence_key(&sequence_key(stored.sequence)).unwrap(), stored.sequence);
            let key = Key::of(&stored.entry);
            let end = stored.entry.until.unwrap_or(UnixTime::from_secs(1));
            prop_assert_eq!(read_end_key(&end_key(end, key)).unwrap(), key);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = (read_stored(&bytes), read_entry(&bytes), read_end_key(&bytes), read_position(&bytes));
        }

        #[test]
        fn keys_sort_as_their_numbers(one in SECONDS, two in SECONDS) {
            prop_assert_eq!(one.cmp(&two), sequence_key(one).cmp(&sequence_key(two)));
            let end = |secs| end_key_from(UnixTime::from_secs(secs));
            prop_assert_eq!(one.cmp(&two), end(one).cmp(&end(two)));
        }
    }
}
