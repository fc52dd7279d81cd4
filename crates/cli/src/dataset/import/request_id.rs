//! The id of an import: the same for the same folder, name, user and server, so that a second run finds the first one's upload.

use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};

use crate::dataset::digest::finish;
use crate::output::hex;

/// A UUID (version 8, RFC 9562) of everything that makes an import this import.
pub(super) fn derive(server: &str, user: &str, folder: &Path, into: &str, name: &str) -> String {
    let mut hash = Context::new(&SHA256);
    let folder = folder.as_os_str().as_encoded_bytes();
    for part in [server.as_bytes(), user.as_bytes(), folder, into.as_bytes(), name.as_bytes()] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = finish(hash);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    let [one, two, three, four, five] = [&id[..4], &id[4..6], &id[6..8], &id[8..10], &id[10..16]];
    [one, two, three, four, five].map(hex).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_import_has_the_same_id_and_another_has_not() {
        let id = |server, user, folder, name| derive(server, user, Path::new(folder), "", name);
        let one = id("http://a", "alice", "/f", "n");
        assert_eq!(one, id("http://a", "alice", "/f", "n"));
        assert_eq!(one.len(), 36);
        assert_eq!((&one[14..15], one.split('-').count()), ("8", 5));
        for other in [
            id("http://b", "alice", "/f", "n"),
            id("http://a", "bob", "/f", "n"),
            id("http://a", "alice", "/g", "n"),
            id("http://a", "alice", "/f", "m"),
            id("http://a", "alice/", "f", "n"),
        ] {
            assert_ne!(one, other);
        }
    }
}
