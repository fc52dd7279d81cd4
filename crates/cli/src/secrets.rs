//! Fetches secrets from where rings and configurations say that they are.
//!
//! Promise: no secret is in an error; what is fetched is overwritten when it is let go; a file that others can read is refused.

#[cfg(feature = "ssm")]
mod ssm;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use hallpass_server::private_file;
use hallpass_token::SecretRef;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

/// The most bytes of a file that is read as a secret.
const MOST_BYTES: u64 = 64 * 1024;

/// The secret, or what is wrong and what would be right. Line breaks at its end are not part of it.
pub(crate) fn fetch(place: &SecretRef) -> Result<SecretString, String> {
    let secret = match place {
        SecretRef::Env(name) => match std::env::var(name) {
            Ok(secret) => secret.into(),
            Err(_) => return Err("not set, or not text; right: the secret as text".to_owned()),
        },
        SecretRef::File(path) => file(Path::new(path))?,
        SecretRef::Ssm(path) => parameter(path)?,
    };
    let trimmed = secret.expose_secret().trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return Err("empty; right: the secret as text".to_owned());
    }
    Ok(trimmed.into())
}

/// Opened once: what was looked at is what is read.
fn file(path: &Path) -> Result<SecretString, String> {
    let told = |error: io::Error| error.to_string();
    let file = File::open(path).map_err(told)?;
    let metadata = file.metadata().map_err(told)?;
    if metadata.is_dir() {
        return Err("a folder; right: a file that holds the secret".to_owned());
    }
    if let Some(problem) = private_file::exposed(path, &metadata) {
        return Err(problem);
    }
    // Room for all of it at once, so that no part is left behind where it grew.
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(MOST_BYTES + 1).unwrap_or(0)));
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("longer than 64 KiB; right: a file that holds the secret alone".to_owned());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err("not text; right: the secret as UTF-8".to_owned()),
    }
}

#[cfg(feature = "ssm")]
fn parameter(path: &str) -> Result<SecretString, String> {
    ssm::fetch(path)
}

#[cfg(not(feature = "ssm"))]
fn parameter(_: &str) -> Result<SecretString, String> {
    Err("this hallpass reads no parameter store; right: one that is built with --features ssm, or env:NAME or file:PATH".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SECRET: &str = "not-for-others-8c1f0e";

    fn of_file(content: &[u8], mode: u32) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let shown = path.display().to_string();
        let fetched = fetch(&SecretRef::File(shown.clone()));
        fetched
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|told| told.replace(&shown, "FILE"))
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777, 0o660] {
            let told = of_file(SECRET.as_bytes(), mode).unwrap_err();
            assert_eq!(
                told,
                format!("others can read it (mode {mode:04o}); right: chmod 600 FILE")
            );
        }
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(of_file(SECRET.as_bytes(), mode).as_deref(), Ok(SECRET), "{mode:o}");
        }
    }

    #[test]
    fn line_breaks_at_the_end_are_no_part_of_a_secret_and_nothing_is_none() {
        assert_eq!(of_file(b"not-for-others-8c1f0e\r\n\n", 0o600).as_deref(), Ok(SECRET));
        assert_eq!(of_file(b" a b \n", 0o600).as_deref(), Ok(" a b "));
        for (content, problem) in [
            (Vec::new(), "empty"),
            (b"\n".to_vec(), "empty"),
            (b"\xff\xfe".to_vec(), "not text"),
            (vec![b'x'; 64 * 1024 + 1], "longer than 64 KiB"),
        ] {
            let told = of_file(&content, 0o600).unwrap_err();
            assert!(told.starts_with(problem) && told.contains("; right: "), "{told}");
        }
    }

    #[test]
    fn what_is_not_there_is_said_so() {
        let told = |place: &str| fetch(&place.parse().unwrap()).map(drop).unwrap_err();
        assert_eq!(told("env:NO_SUCH_VARIABLE"), "not set, or not text; right: the secret as text");
        assert!(told("file:/no/such/file").starts_with("No such file or directory"));
        assert_eq!(told("file:/"), "a folder; right: a file that holds the secret");
    }

    #[cfg(not(feature = "ssm"))]
    #[test]
    fn without_the_feature_a_parameter_store_is_refused_with_what_would_be_right() {
        let told = fetch(&"ssm:/mesh/secret".parse().unwrap()).map(drop).unwrap_err();
        assert!(
            told.contains("--features ssm") && told.contains("env:NAME or file:PATH"),
            "{told}"
        );
    }
}
