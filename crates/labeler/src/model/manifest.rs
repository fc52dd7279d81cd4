//! The hash of a dataset's content, as `hallpass.labeler.v1.Snapshot.content_sha256` defines it.
//!
//! Invariant: the same files in the same splits have the same hash everywhere. A manifest takes its files in the bytewise order of
//! their paths, each once, and refuses any other order.

use aws_lc_rs::digest::{Context, SHA256};

use crate::error::Error;
use crate::model::dataset::Split;
use crate::model::spec::digest;
use hallpass_formats::shown;

/// A hash that is being taken. It holds one path, however many files there are.
pub(crate) struct Manifest {
    hash: Context,
    last: Option<String>,
}

impl Manifest {
    /// The manifest of no files.
    pub(crate) fn new() -> Self {
        Self { hash: Context::new(&SHA256), last: None }
    }

    /// Adds a file; fails unless its path lies behind that of the file before. The files come out of the database, which sorts them.
    pub(crate) fn add(
        &mut self,
        path: &str,
        sha256: &[u8; 32],
        size: u64,
        split: Option<Split>,
    ) -> Result<(), Error> {
        if self.last.as_deref().is_some_and(|last| last >= path) {
            return Err(disordered(path));
        }
        let split = split.map_or("-", Split::as_str);
        let line = format!("{} {size} {split} {path}\n", hex(sha256));
        self.hash.update(line.as_bytes());
        let last = self.last.get_or_insert_default();
        last.clear();
        last.push_str(path);
        Ok(())
    }

    /// The hash.
    pub(crate) fn finish(self) -> [u8; 32] {
        digest(self.hash)
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn disordered(path: &str) -> Error {
    let problem = format!("files come out of order at {}", shown(path));
    Error::Database(sqlx::Error::Decode(problem.into()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

    use super::*;

    /// Of no bytes, and of "abc": FIPS 180-2.
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn bytes(hex: &str) -> [u8; 32] {
        let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// Computed with `printf 'e3b0… 0 - a.txt\nba78… 3 train b/ä.png\n' | sha256sum`.
    #[test]
    fn a_known_vector() {
        let mut manifest = Manifest::new();
        manifest.add("a.txt", &bytes(EMPTY), 0, None).unwrap();
        manifest.add("b/ä.png", &bytes(ABC), 3, Some(Split::Train)).unwrap();
        let hash = "abd2739e826238fa8ae1849b658b2b0e5dc633adebb71e7d6c7953abd05aa8c1";
        assert_eq!(hex(&manifest.finish()), hash);
        assert_eq!(hex(&Manifest::new().finish()), EMPTY, "no files are no bytes");
    }

    #[test]
    fn whatever_differs_is_in_the_hash() {
        let hash = |path, sha256, size, split| {
            let mut manifest = Manifest::new();
            manifest.add(path, &bytes(sha256), size, split).unwrap();
            manifest.finish()
        };
        let all = [
            hash("a.png", ABC, 3, None),
            hash("b.png", ABC, 3, None),
            hash("a.png", EMPTY, 3, None),
            hash("a.png", ABC, 4, None),
            hash("a.png", ABC, 3, Some(Split::Train)),
            hash("a.png", ABC, 3, Some(Split::Validation)),
            hash("a.png", ABC, 3, Some(Split::Test)),
        ];
        let different = all.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(different, all.len());
    }

    /// Bytewise: "a-b" before "a/b" before "aa", and upper case before lower.
    #[test]
    fn another_order_is_refused() {
        let sorted = ["B", "a-b", "a/b", "aa", "ä"];
        for (at, first) in sorted.iter().enumerate() {
            for (behind, second) in sorted.iter().enumerate() {
                let mut manifest = Manifest::new();
                manifest.add(first, &bytes(ABC), 3, None).unwrap();
                let added = manifest.add(second, &bytes(ABC), 3, None);
                assert_eq!(added.is_ok(), behind > at, "{second} behind {first}");
            }
        }
    }
}
