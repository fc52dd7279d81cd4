//! Puts a new key in the place of one, while calls go on.
//!
//! Three steps, none of which has a call refused: every verifier learns the new key; the signer begins to sign with it and forgets
//! how to sign with the old one, whose tokens still count; when they have ended, `hallpass keys retire` refuses the old key.
//! A rotation that was interrupted goes on where it was.

use std::time::Duration;

use clap::Args;
use hallpass_token::{Key, KeySpec, KeyState, generate};
use serde_json::json;

use super::edit::{Rings, Which, at};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Which key, and how far.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass keys rotate platform-1 --data hallpass-data
  hallpass keys rotate orders-1 --ring orders.json --ring copy.json --settle 2
  hallpass keys rotate orders-1 --ring orders.json --prepare

With --prepare the new key is there and does not sign: `hallpass keys export` and `add` it at the verifiers, then run this without.")]
pub(crate) struct Rotate {
    /// The key's name, `kid`.
    #[arg(value_name = "KID")]
    kid: String,
    #[command(flatten)]
    which: Which,
    /// So many seconds pass between the first step and the second: until every process has read its ring anew.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    settle: u64,
    /// Take the first step only: the new key is there and does not sign.
    #[arg(long)]
    prepare: bool,
}

/// Runs the command.
pub(super) fn run(wanted: &Rotate, format: Format) -> Result<(), Failure> {
    let mut rings = wanted.which.open()?;
    let owner = rings.owner_of(&wanted.kid)?;
    let successor = prepare(&mut rings, owner, &wanted.kid)?;
    if !wanted.prepare {
        std::thread::sleep(Duration::from_secs(wanted.settle));
        activate(&mut rings, owner, &wanted.kid, &successor)?;
    }
    match format {
        Format::Json => output::print_json(
            &json!({ "kid": wanted.kid, "successor": successor, "signs": !wanted.prepare }),
        ),
        Format::Text if wanted.prepare => output::print(&format!(
            "{successor} is in the rings and does not sign yet; once every verifier has it: the same command without --prepare\n",
        )),
        Format::Text => output::print(&format!(
            "{successor} signs; the tokens of {old} count until they end, then: hallpass keys retire {old}\n",
            old = plain(&wanted.kid),
        )),
    }
}

/// The new key is in every ring that knows the old one, last in the ring that will sign with it.
pub(crate) fn prepare(rings: &mut Rings, owner: usize, kid: &str) -> Result<String, Failure> {
    let file = &rings.files[owner];
    let old = file.ring.key(kid).ok_or_else(|| at(&file.path, &"the key is gone"))?;
    if old.state() != KeyState::Active {
        return Err(at(
            &file.path,
            &format_args!("{} does not sign; right: an active key", plain(kid)),
        ));
    }
    let begun = file.ring.keys().find(|key| succeeds(key, old)).cloned();
    let new = if let Some(begun) = begun {
        begun
    } else {
        let kid = name_after(kid, |name| rings.have(name));
        let spec = KeySpec { kid, state: KeyState::Next, ..old.spec().clone() };
        let new = generate(old.algorithm(), spec).map_err(|error| at(&file.path, &error))?;
        new.sharing_clock(old.shares_clock())
    };
    if new.algorithm().is_shared_secret()
        && rings.files.iter().filter(|file| file.ring.key(kid).is_some()).count() > 1
    {
        output::warn("the key is a shared secret: every ring that has it gets the new one, too");
    }
    let public = new.public().unwrap_or_else(|| new.clone());
    let verifiers = (0..rings.files.len()).filter(|place| *place != owner);
    for place in verifiers.chain([owner]) {
        let ring = &rings.files[place].ring;
        if ring.key(kid).is_some() && ring.key(new.kid()).is_none() {
            let part = if place == owner { &new } else { &public };
            let shares_clock = ring.key(kid).is_some_and(Key::shares_clock);
            let part = part.clone().sharing_clock(shares_clock);
            rings.change(place, Key::clone, Some(part))?;
        }
    }
    Ok(new.kid().to_owned())
}

/// The new key signs, and nothing here can sign with the old one any more.
pub(crate) fn activate(
    rings: &mut Rings,
    owner: usize,
    kid: &str,
    successor: &str,
) -> Result<(), Failure> {
    let verifiers = (0..rings.files.len()).filter(|place| *place != owner);
    for place in verifiers.chain([owner]) {
        let change = |key: &Key| match key.kid() {
            name if name == successor => key.in_state(KeyState::Active),
            // A shared secret cannot forget how to sign; that it verifies only is then up to its state.
            name if name == kid && place == owner => {
                key.public().unwrap_or_else(|| key.in_state(KeyState::Next))
            }
            _ => key.clone(),
        };
        rings.change(place, change, None)?;
    }
    Ok(())
}

/// Whether a rotation that began has made this key in the place of the other.
fn succeeds(key: &Key, old: &Key) -> bool {
    let spec = KeySpec { kid: old.kid().to_owned(), state: old.state(), ..key.spec().clone() };
    key.state() == KeyState::Next && key.can_sign() && key.kid() != old.kid() && spec == *old.spec()
}

/// "platform-1" is followed by "platform-2", "key" by "key-2", and by later numbers where those are taken.
fn name_after(kid: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = kid.rsplit_once('-').and_then(|(stem, n)| Some((stem, n.parse::<u32>().ok()?)));
    let (stem, number) = numbered.unwrap_or((kid, 1));
    let names = (number.saturating_add(1)..).map(|number| format!("{stem}-{number}"));
    names.into_iter().find(|name| !taken(name)).unwrap_or_else(|| format!("{kid}-next"))
}

#[cfg(test)]
mod tests {
    use super::name_after;

    #[test]
    fn keys_are_numbered_on() {
        let none = |_: &str| false;
        assert_eq!(name_after("platform-1", none), "platform-2");
        assert_eq!(name_after("platform-9", |name| name == "platform-10"), "platform-11");
        assert_eq!(name_after("key", none), "key-2");
        assert_eq!(name_after("a-b", none), "a-b-2");
    }
}
