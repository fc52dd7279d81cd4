//! The rings beside a node's own: a `kid` means one minter in all of them.
//!
//! Invariant: no node starts on, or changes to, a ring that gives a name to another issuer's key than a ring beside it does. Services
//! pass names of keys to each other (`root_kid`), and revoking a key goes by its name.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;
use crate::output::plain;
use crate::rings::{RINGS, RingFile};

/// Refuses a ring in which a key has the name of another issuer's key in a ring beside it.
pub(super) fn check(own: &RingFile) -> Result<(), Failure> {
    for beside in beside(&own.path) {
        for (kid, issuer) in named(&beside) {
            let Some(key) = own.ring.key(&kid).filter(|key| key.issuer() != issuer) else {
                continue;
            };
            return Err(Failure::failed(format_args!(
                "key {}: issuer {} in {}, issuer {} in {}: give one of the two keys another name",
                plain(&kid),
                plain(key.issuer()),
                own.path.display(),
                plain(&issuer),
                beside.display(),
            )));
        }
    }
    Ok(())
}

/// The other rings of the folder, there or not.
pub(super) fn beside(own: &Path) -> Vec<PathBuf> {
    let folder = own.parent().unwrap_or(Path::new("."));
    let all = RINGS.iter().map(|name| folder.join(format!("{name}.json")));
    all.filter(|ring| ring != own).collect()
}

/// The keys of a ring by name and issuer. Its secrets are another process's to fetch, and so is it to say what else is wrong with it.
fn named(ring: &Path) -> Vec<(String, String)> {
    let Some(ring) = fs::read(ring).ok().and_then(|json| serde_json::from_slice(&json).ok()) else {
        return Vec::new();
    };
    let ring: Value = ring;
    let keys = ring["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = keys.iter().filter_map(|key| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some((text(&key["kid"])?, text(&key["hallpass"]["issuer"])?))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use super::*;
    use crate::serve::keys::KeyFiles;

    fn rename(ring: &Path, from: &str, to: &str) {
        let text = fs::read_to_string(ring).unwrap();
        let (from, to) = (format!("\"kid\": \"{from}\""), format!("\"kid\": \"{to}\""));
        assert!(text.contains(&from), "{text}");
        fs::write(ring, text.replace(&from, &to)).unwrap();
    }

    #[test]
    fn one_name_for_two_issuers_keys_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = KeyFiles::of(folder.path());
        files.make().unwrap();
        let read = |ring: PathBuf| check(&RingFile::read(ring).unwrap());
        for ring in [files.users(), files.platform(), files.labeler()] {
            read(ring).unwrap();
        }
        // Labeler's own key gets the name under which Platform knows its key for agents.
        rename(&files.labeler(), "labeler-1", "agents-1");
        for (ring, other) in
            [(files.platform(), "labeler.json"), (files.labeler(), "platform.json")]
        {
            let problem = read(ring).unwrap_err().to_string();
            assert!(problem.contains("key agents-1: issuer"), "{problem}");
            assert!(problem.contains(other) && problem.contains("another name"), "{problem}");
        }
        read(files.users()).unwrap();
    }
}
