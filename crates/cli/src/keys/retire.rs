//! Refuses a key's tokens from now on.

use clap::Args;
use hallpass_token::{Key, KeyState};
use serde_json::json;

use super::edit::{Which, at};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Which key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys retire platform-1 --data hallpass-data
  hallpass keys retire orders-1 --ring orders.json --ring copy.json

A key that was stolen: revoke it as well, so that what it signed is refused by every node at once.")]
pub(crate) struct Retire {
    /// The key's name, `kid`.
    #[arg(value_name = "KID")]
    kid: String,
    #[command(flatten)]
    which: Which,
    /// Also where nothing is left that signs in its place.
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub(super) fn run(wanted: &Retire, format: Format) -> Result<(), Failure> {
    let mut rings = wanted.which.open()?;
    let kid = wanted.kid.as_str();
    if !rings.have(kid) {
        return Err(Failure::failed(format_args!("key {}: in no ring here", plain(kid))));
    }
    if !wanted.force {
        rings.files.iter().try_for_each(|file| {
            let key = file.ring.key(kid).filter(|key| is_last_signer(key, file.ring.keys()));
            key.map_or(Ok(()), |_| {
                let problem = "nothing else here signs what this key signs; right: hallpass keys rotate first, or --force";
                Err(at(&file.path, &format_args!("{}: {problem}", plain(kid))))
            })
        })?;
    }
    for place in 0..rings.files.len() {
        if rings.files[place].ring.key(kid).is_some() {
            let change = |key: &Key| {
                if key.kid() == kid { key.in_state(KeyState::Retired) } else { key.clone() }
            };
            rings.change(place, change, None)?;
        }
    }
    match format {
        Format::Json => output::print_json(&json!({ "retired": kid })),
        Format::Text => {
            output::print(&format!("{} is retired: its tokens are refused\n", plain(kid)))
        }
    }
}

fn signs(key: &Key) -> bool {
    key.state() == KeyState::Active && key.can_sign()
}

/// Whether it signs a kind of token that no other key of its owner signs.
fn is_last_signer<'a>(key: &Key, ring: impl Iterator<Item = &'a Key>) -> bool {
    let others: Vec<_> =
        ring.filter(|other| other.kid() != key.kid() && other.owner() == key.owner()).collect();
    let replaced = |kind| others.iter().any(|other| signs(other) && other.may_sign(kind));
    signs(key) && !key.types().iter().all(|kind| replaced(*kind))
}
