//! Where a shared secret is kept. A ring names the place; the caller fetches it.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};

/// The place of a secret, as a ring's member `secret` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file's content.
    File(String),
    /// `ssm:/path`: a parameter of an AWS parameter store.
    Ssm(String),
}

/// The text names no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret's place; env:NAME, file:PATH or ssm:/path")]
pub struct SecretRefError;

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let (scheme, place) = text.split_once(':').ok_or(SecretRefError)?;
        match scheme {
            _ if place.is_empty() => Err(SecretRefError),
            "env" => Ok(Self::Env(place.to_owned())),
            "file" => Ok(Self::File(place.to_owned())),
            "ssm" if place.starts_with('/') => Ok(Self::Ssm(place.to_owned())),
            _ => Err(SecretRefError),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Ssm(path) => write!(f, "ssm:{path}"),
        }
    }
}

/// The fewest bytes that a shared secret has (RFC 7518, section 3.2; RFC 8725, section 3.5).
pub(crate) const SHORTEST_SECRET: usize = 32;

/// The SHA-256 of secrets that are printed in public guides, as text and as the bytes that a hex text stands for, so that a copied one is
/// noticed at start.
const PRINTED: [&str; 7] = [
    "66cde3a91dfb01a3a58028b1b091b23c94b078a61689e100d27281ccf63dd475",
    "ccc3a7a961e7d57fb8b2e4010522005ff362057b833134676345a89bf83b1e20",
    "c5e8ec13ecbd3602ade64b98aa8f72da4999ecc5ca160aa2a888198b305508a8",
    "05cc4b8163ad773524c8185e196f63ad4dd57b0c1705fe75a2d53e7080c82f5c",
    "ad9bffbef7ef7a52ade534493255533df1fa36574d3637b20ec6c5cd2bbac9bf",
    "465d9ad5d5528ebe287b5dce4fb51620833d09b290e49ddcc70ca6c4a0aea01b",
    "db6833593279d7373592ef70e51f3daf048c04475739f8ed024b0821fd9e7fde",
];

/// Whether the bytes can be a shared secret; else what is wrong and what would be right.
pub(crate) fn check(secret: &[u8]) -> Result<(), String> {
    if secret.len() < SHORTEST_SECRET {
        return Err(format!("{} bytes; right: at least 32 random bytes", secret.len()));
    }
    if PRINTED.contains(&hex(digest(&SHA256, secret).as_ref()).as_str()) {
        return Err("printed in a public guide; right: 32 random bytes of your own".to_owned());
    }
    if is_guessable(secret) {
        return Err("follows a pattern; right: 32 random bytes".to_owned());
    }
    Ok(())
}

/// Few different bytes, a part that repeats, or a row of neighbours. Of random secrets, one in billions is like that.
fn is_guessable(secret: &[u8]) -> bool {
    let different = secret.iter().collect::<HashSet<_>>().len();
    let repeats =
        |period: usize| secret.iter().zip(&secret[period..]).all(|(one, other)| one == other);
    let steps: HashSet<_> = secret.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    different < 8 || (1..=secret.len() / 2).any(repeats) || steps.len() < 4
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
