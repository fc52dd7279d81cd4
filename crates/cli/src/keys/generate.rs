//! Makes a key and puts it into a ring.

use std::path::{Path, PathBuf};

use clap::Args;
use hallpass_token::{Algorithm, Key, KeyRing, KeySpec, KeyState, Profile, TokenType, generate};
use serde_json::json;

use super::edit::{Rings, at};
use crate::failure::Failure;
use crate::output::{self, Format, plain};
use crate::rings::RingFile;

/// What the key is for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys generate orders-1 --ring orders.json --owner orders \\
    --type service --scope labeler:read --audience labeler
  hallpass keys generate people-1 --ring people.json --owner users \\
    --issuer https://id.example --type user --audience platform \\
    --scope datasets:read --scope jobs:read --algorithm ES256")]
pub(crate) struct Generate {
    /// The key's name, `kid`.
    #[arg(value_name = "KID")]
    kid: String,
    /// The ring; made, readable by its owner alone, if it is not there.
    #[arg(long, value_name = "FILE")]
    ring: PathBuf,
    /// The service that signs with it.
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// The `iss` of its tokens [default: the owner].
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The kinds of token that it may sign: user, service, background, action.
    #[arg(long = "type", value_name = "KIND", required = true)]
    types: Vec<TokenType>,
    /// The scopes that it may sign.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The audiences that it may sign for.
    #[arg(long = "audience", value_name = "NAME", required = true)]
    audiences: Vec<String>,
    /// `EdDSA`, `ES256`, or `HS256` and `HS512` for a secret that its holders share.
    #[arg(long, value_name = "ALGORITHM", default_value = "EdDSA")]
    algorithm: Algorithm,
    /// It verifies already and does not sign yet.
    #[arg(long)]
    next: bool,
}

/// Runs the command.
pub(super) fn run(wanted: &Generate, format: Format) -> Result<(), Failure> {
    let at_ring = |problem: &dyn std::fmt::Display| at(&wanted.ring, problem);
    let key = generate(wanted.algorithm, wanted.spec()).map_err(|error| at_ring(&error))?;
    put(&wanted.ring, key)?;
    let (kid, ring) = (plain(&wanted.kid), wanted.ring.display());
    match format {
        Format::Json => output::print_json(&json!({ "kid": kid, "ring": ring.to_string() })),
        Format::Text => output::print(&format!("{kid} is in {ring}\n")),
    }
}

/// Puts a key into a ring, which is made if it is not there.
pub(super) fn put(path: &Path, key: Key) -> Result<(), Failure> {
    if path.exists() {
        return Rings::open(&[path.to_owned()])?.change(0, Key::clone, Some(key));
    }
    let ring = KeyRing::new(vec![key]).map_err(|error| at(path, &error))?;
    RingFile::write(path, &ring)
}

impl Generate {
    fn spec(&self) -> KeySpec {
        KeySpec {
            kid: self.kid.clone(),
            issuer: self.issuer.clone().unwrap_or_else(|| self.owner.clone()),
            owner: self.owner.clone(),
            types: self.types.clone(),
            scopes: self.scopes.iter().map(String::as_str).collect(),
            audiences: self.audiences.clone(),
            state: if self.next { KeyState::Next } else { KeyState::Active },
            profile: Profile::Standard,
            no_expiry: false,
            roots: None,
            max_life: None,
        }
    }
}
