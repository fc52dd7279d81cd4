//! The rings of a node's data folder, as its key service changes them: by the steps of `hallpass keys rotate`.
//!
//! Invariant: a ring that another command is changing is left alone, and no key of another process is touched.

use std::path::PathBuf;

use hallpass_contract::ACTIONS;
use hallpass_issuer::{RingStore, RotationError, Step, Successor};
use hallpass_token::{Key, KeyState};

use crate::failure::Failure;
use crate::keys::{Rings, rotate};
use crate::output::plain;
use crate::rings::{RINGS, ring_file};

/// The rings of one data folder, in the hands of the process of one role.
#[derive(Debug, Clone)]
pub(super) struct OwnRings {
    role: &'static str,
    data: PathBuf,
}

impl OwnRings {
    /// The rings beside the role's own in this data folder.
    pub(super) const fn of(role: &'static str, data: PathBuf) -> Self {
        Self { role, data }
    }

    fn open(&self) -> Result<Rings, RotationError> {
        let files = RINGS.iter().map(|name| ring_file(&self.data, name));
        let at_hand: Vec<_> = files.filter(|file| file.exists()).collect();
        // A command that holds the lock is done with it soon.
        Rings::open(&at_hand).map_err(|failure| RotationError::Busy(failure.to_string()))
    }

    /// The place of the role's own ring, which alone may sign with the key.
    fn own(&self, rings: &Rings, kid: &str) -> Result<usize, RotationError> {
        let own = ring_file(&self.data, self.role);
        let known = |path: &PathBuf, key: Option<&Key>| {
            *path == own && key.is_some_and(|key| key.owner() == self.role)
        };
        let place = rings.files.iter().position(|file| known(&file.path, file.ring.key(kid)));
        place.ok_or_else(|| {
            RotationError::Failed(format!("key {}: not in {}", plain(kid), own.display()))
        })
    }

    fn prepare_one(&self, rings: &mut Rings, kid: &str) -> Result<Successor, RotationError> {
        let place = self.own(rings, kid)?;
        let before: Vec<_> =
            rings.files[place].ring.keys().map(|key| key.kid().to_owned()).collect();
        let successor = rotate::prepare(rings, place, kid).map_err(|failure| failed(&failure))?;
        let elsewhere = self.elsewhere(rings, place, kid);
        Ok(Successor {
            kid: kid.to_owned(),
            begun: before.contains(&successor),
            successor,
            elsewhere,
        })
    }

    /// The services that take the key's tokens and whose rings are not here, or do not know the key.
    fn elsewhere(&self, rings: &Rings, place: usize, kid: &str) -> Vec<String> {
        let Some(key) = rings.files[place].ring.key(kid) else { return Vec::new() };
        let verifier = |audience: &String| {
            let action = ACTIONS.iter().find(|action| action.audience == audience);
            action.map_or_else(|| audience.clone(), |action| action.owner.to_owned())
        };
        let knows = |service: &String| {
            let ring = ring_file(&self.data, service);
            rings.files.iter().any(|file| file.path == ring && file.ring.key(kid).is_some())
        };
        let mut all: Vec<_> = key.audiences().iter().map(verifier).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter(|service| service != self.role && !knows(service)).collect()
    }

    fn activate_one(&self, rings: &mut Rings, key: &Successor) -> Result<(), RotationError> {
        let place = self.own(rings, &key.kid)?;
        let new = rings.files[place].ring.key(&key.successor);
        if !new.is_some_and(|new| new.can_sign() && new.state() != KeyState::Retired) {
            let problem = format!("key {}: cannot sign any more", plain(&key.successor));
            return Err(RotationError::Failed(problem));
        }
        rotate::activate(rings, place, &key.kid, &key.successor).map_err(|failure| failed(&failure))
    }
}

impl RingStore for OwnRings {
    fn prepare(&self, kids: Vec<String>) -> Step<Vec<Successor>> {
        let own = self.clone();
        Box::pin(aside(move || {
            let mut rings = own.open()?;
            kids.iter().map(|kid| own.prepare_one(&mut rings, kid)).collect()
        }))
    }

    fn activate(&self, keys: Vec<Successor>) -> Step<()> {
        let own = self.clone();
        Box::pin(aside(move || {
            let mut rings = own.open()?;
            keys.iter().try_for_each(|key| own.activate_one(&mut rings, key))
        }))
    }
}

/// Files are changed where nobody's call waits for the disk.
async fn aside<T: Send + 'static>(
    step: impl FnOnce() -> Result<T, RotationError> + Send + 'static,
) -> Result<T, RotationError> {
    let lost = |error| {
        Err(RotationError::Failed(format!("the step {}", hallpass_telemetry::ending(&error))))
    };
    tokio::task::spawn_blocking(step).await.unwrap_or_else(lost)
}

fn failed(failure: &Failure) -> RotationError {
    RotationError::Failed(failure.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::rings::RingFile;
    use crate::serve::keys::KeyFiles;

    fn kids() -> Vec<String> {
        ["platform-1", "actions-1"].map(str::to_owned).to_vec()
    }

    #[tokio::test]
    async fn a_verifier_whose_ring_is_elsewhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        KeyFiles::of(folder.path()).make().unwrap();
        std::fs::remove_file(ring_file(folder.path(), "labeler")).unwrap();
        let own = OwnRings::of("platform", folder.path().to_owned());
        for begun in [false, true] {
            let keys = own.prepare(kids()).await.unwrap();
            assert_eq!((keys[0].begun, keys[1].begun), (begun, begun));
            assert_eq!(
                (&*keys[0].elsewhere, &*keys[1].elsewhere),
                (&["labeler".to_owned()][..], &[][..])
            );
        }
    }

    #[tokio::test]
    async fn others_keys_and_keys_without_a_private_part_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        KeyFiles::of(folder.path()).make().unwrap();
        let own = OwnRings::of("platform", folder.path().to_owned());
        let before = RingFile::of(folder.path(), "platform").unwrap().ring.to_json();
        for kid in ["users-1", "labeler-1", "none"] {
            assert!(own.prepare(vec![kid.to_owned()]).await.is_err(), "{kid}");
        }
        let keys = own.prepare(kids()).await.unwrap();
        own.activate(keys.clone()).await.unwrap();
        let swapped = |key: &Successor| Successor {
            kid: key.successor.clone(),
            successor: key.kid.clone(),
            ..key.clone()
        };
        let back: Vec<_> = keys.iter().map(swapped).collect();
        assert!(own.activate(back).await.is_err(), "what cannot sign does not come back");
        let after = RingFile::of(folder.path(), "platform").unwrap().ring.to_json();
        assert_ne!(before.expose_secret(), after.expose_secret());
    }
}
