//! SHA-256 of local files, and of what they are together.
//!
//! Invariant: `content` is the hash that the contract defines at `Snapshot.content_sha256`, with no file in a split.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use super::folder::Hashed;
use crate::output::hex;

/// How much is read at a time.
const PIECE: usize = 128 * 1024;

/// The hash of the bytes, and how many there are.
pub(super) fn of_reader(reader: impl Read) -> io::Result<([u8; 32], u64)> {
    of_watched(reader, |_| ())
}

/// The same, while somebody else sees the bytes, too.
pub(super) fn of_watched(
    mut reader: impl Read,
    mut watch: impl FnMut(&[u8]),
) -> io::Result<([u8; 32], u64)> {
    let (mut hash, mut size, mut piece) = (Context::new(&SHA256), 0, vec![0; PIECE]);
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok((finish(hash), size)),
            read => {
                hash.update(&piece[..read]);
                watch(&piece[..read]);
                size += read as u64;
            }
        }
    }
}

/// The hash of a file's bytes, and how many there are.
pub(super) fn of_file(path: &Path) -> io::Result<([u8; 32], u64)> {
    of_reader(File::open(path)?)
}

/// The hash of all files; they are in the order of their paths.
pub(super) fn content(files: &[Hashed]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for file in files {
        hash.update(format!("{} {} - {}\n", hex(&file.sha256), file.size, file.path).as_bytes());
    }
    finish(hash)
}

/// What has been hashed.
pub(super) fn finish(hash: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    digest
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_no_files_and_of_one() {
        assert!(hex(&content(&[])).starts_with("e3b0c44298fc1c149afb"));
        let (sha256, size) = of_reader(&b"abc"[..]).unwrap();
        assert!(hex(&sha256).starts_with("ba7816bf8f01cfea"));
        let file = Hashed { path: "a".into(), source: "a".into(), size, sha256 };
        let line = format!("{} 3 - a\n", hex(&sha256));
        assert_eq!(content(&[file]), of_reader(line.as_bytes()).unwrap().0);
    }
}
