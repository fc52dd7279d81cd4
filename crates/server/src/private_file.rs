//! Files that hold keys and secrets: nobody but their owner may read them.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What is wrong with a file that others can read, and the command that mends it; `None` if they cannot.
pub fn exposed(path: &Path, metadata: &Metadata) -> Option<String> {
    let own = rustix::process::geteuid().as_raw();
    let mode = metadata.mode() & 0o7777;
    let private = is_private(mode, metadata.uid(), own);
    (!private).then(|| {
        format!("others can read it (mode {mode:04o}); right: chmod 600 {}", path.display())
    })
}

/// Reads a text that nobody else may read.
pub fn read(path: &Path) -> io::Result<String> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// Reads a file that nobody else may read. Opened once: what was looked at is what is read.
pub fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    if let Some(problem) = exposed(path, &file.metadata()?) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether nobody but its owner can read a file. The system's own, handed to a group of this process, counts too: so are secrets mounted
/// into containers whose process is not root.
const fn is_private(mode: u32, owner: u32, own: u32) -> bool {
    /// What a group and all others may do.
    const OTHERS: u32 = 0o077;
    /// The same, but that the group may read.
    const OTHERS_BUT_READING: u32 = 0o037;
    let handed_over = owner == 0 && own != 0 && mode & OTHERS_BUT_READING == 0;
    mode & OTHERS == 0 || handed_over
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_the_system_hands_to_a_group_is_private_for_those_who_cannot_change_it() {
        for (mode, owner, own, private) in [
            (0o440, 0, 1000, true),
            (0o640, 0, 1000, true),
            (0o440, 0, 0, false),
            (0o440, 1000, 1000, false),
            (0o444, 0, 1000, false),
            (0o460, 0, 1000, false),
            (0o400, 0, 1000, true),
        ] {
            assert_eq!(is_private(mode, owner, own), private, "{mode:o} {owner} {own}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        std::fs::write(&file, "key").unwrap();
        for (mode, private) in [(0o600, true), (0o400, true), (0o644, false), (0o640, false)] {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&file).is_ok(), private, "{mode:o}");
        }
        let told = read(&file).unwrap_err().to_string();
        assert_eq!(
            told,
            format!("others can read it (mode 0640); right: chmod 600 {}", file.display())
        );
    }
}
