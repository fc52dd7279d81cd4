//! Gives public halves away and takes them: how a ring comes to know another process' keys.

use std::path::PathBuf;

use clap::Args;
use hallpass_token::{Key, KeyRing};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::add_secret::{self, Shared};
use super::edit::{Rings, at};
use crate::failure::Failure;
use crate::output::{self, Format, plain};
use crate::rings::RingFile;

/// Which keys to give away.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys export --ring hallpass-data/keys/platform.json
  hallpass keys export --ring orders.json --kid orders-1 > orders.public.json
  hallpass keys export --ring orders.json --jwks")]
pub(crate) struct Export {
    /// The ring.
    #[arg(long, value_name = "FILE")]
    ring: PathBuf,
    /// Only this key.
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
    /// Without what the keys may sign: for verifiers that are not of this mesh.
    #[arg(long)]
    jwks: bool,
}

/// Which keys to take, and where.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys add orders.public.json --ring hallpass-data/keys/labeler.json
  hallpass keys add --secret env:OLD_SECRET --kid old --owner platform \\
    --type service --profile hybrid-v1 --scope labeler:read \\
    --audience labeler --ring orders.json")]
pub(crate) struct Add {
    /// What `hallpass keys export` printed.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The ring.
    #[arg(long, value_name = "FILE")]
    pub(super) ring: PathBuf,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// Runs the export.
pub(super) fn run(wanted: &Export) -> Result<(), Failure> {
    let file = RingFile::read(wanted.ring.clone())?;
    let chosen = |key: &&Key| wanted.kid.as_deref().is_none_or(|kid| key.kid() == kid);
    let public = file.ring.keys().filter(chosen).filter_map(Key::public);
    // Whoever takes them may be on another machine.
    let keys: Vec<_> = public.map(|key| key.sharing_clock(false)).collect();
    if keys.is_empty() {
        let problem = match &wanted.kid {
            Some(kid) if file.ring.key(kid).is_none() => "has no such key",
            _ => "has nothing public: shared secrets are not given away",
        };
        return Err(at(&file.path, &problem));
    }
    let ring = KeyRing::new(keys).map_err(|error| at(&file.path, &error))?;
    if wanted.jwks {
        output::print_json(&ring.public_jwks())
    } else {
        output::print(ring.to_json().expose_secret())
    }
}

/// Takes the keys. One that the ring has already, with other rights or in another state, becomes as the file has it.
pub(super) fn add(wanted: &Add, format: Format) -> Result<(), Failure> {
    if let Some(secret) = &wanted.shared.secret {
        return add_secret::run(wanted, secret, format);
    }
    let file = wanted.file.clone().ok_or_else(|| {
        Failure::arguments("nothing to add; right: FILE of `hallpass keys export`, or --secret REF")
    })?;
    let more = RingFile::read(file)?;
    if let Some(key) = more.ring.keys().find(|key| key.can_sign()) {
        let problem = "holds what signs; right: the output of `hallpass keys export`";
        return Err(at(&more.path, &format_args!("{}: {problem}", plain(key.kid()))));
    }
    let mut rings = Rings::open(std::slice::from_ref(&wanted.ring))?;
    for key in more.ring.keys() {
        let known = rings.files.first().and_then(|file| file.ring.key(key.kid()));
        if known.is_some_and(Key::can_sign) {
            let problem = "this ring signs with a key of that name";
            return Err(at(&wanted.ring, &format_args!("{}: {problem}", plain(key.kid()))));
        }
        let added = known.is_none().then(|| key.clone());
        let newer = |held: &Key| if held.kid() == key.kid() { key.clone() } else { held.clone() };
        rings.change(0, newer, added)?;
    }
    let kids: Vec<_> = more.ring.keys().map(Key::kid).collect();
    match format {
        Format::Json => output::print_json(&json!({ "added": kids })),
        Format::Text => {
            output::print(&format!("{} in {}\n", plain(&kids.join(", ")), wanted.ring.display()))
        }
    }
}
