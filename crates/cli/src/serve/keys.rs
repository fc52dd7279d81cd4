//! The keys of a mesh on one machine: made on the first start, and never made anew over what is there.
//!
//! Three rings, one for each process that signs: `users.json` is the operator's, who mints user tokens with it; `platform.json`
//! and `labeler.json` hold that service's private key and the public ones of those it listens to. Files are 0600.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use hallpass_contract::{ACTIONS, RULES, SERVICES};
use hallpass_token::{
    Algorithm, Key, KeyRing, KeySpec, KeyState, Profile, RingError, Scopes, TokenType, generate,
};

use crate::failure::Failure;
use crate::keys::Rings;
use crate::rings::{RingFile, ring_file, rings_folder};

/// Where a data folder keeps its rings.
#[derive(Debug, Clone)]
pub(crate) struct KeyFiles {
    data: PathBuf,
}

impl KeyFiles {
    /// The rings of a data folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// The ring that mints user tokens.
    pub(crate) fn users(&self) -> PathBuf {
        ring_file(&self.data, "users")
    }

    /// Platform's ring.
    pub(crate) fn platform(&self) -> PathBuf {
        ring_file(&self.data, "platform")
    }

    /// Labeler's ring.
    pub(crate) fn labeler(&self) -> PathBuf {
        ring_file(&self.data, "labeler")
    }

    /// Makes the rings if there are none yet. True if they were made. Rings of an earlier version get the keys that they lack.
    pub(crate) fn make(&self) -> Result<bool, KeysError> {
        let files = [self.users(), self.platform(), self.labeler()];
        let missing: Vec<_> = files.iter().filter(|file| !file.exists()).collect();
        match missing.as_slice() {
            [] => self.complete().map(|()| false),
            missing if missing.len() == files.len() => self.make_all().map(|()| true),
            [one, ..] => Err(KeysError::Incomplete { missing: (*one).clone() }),
        }
    }

    fn make_all(&self) -> Result<(), KeysError> {
        let user = made(user_key())?;
        let platform = made(platform_key())?;
        let labeler = made(labeler_key())?;
        self.make_folder()?;
        let mut platform_ring = vec![Some(platform.clone()), user.public(), labeler.public()];
        platform_ring.push(Some(made(agents_key())?));
        // A contract without elevated operations needs no key for them.
        if !ACTIONS.is_empty() {
            platform_ring.push(Some(made(actions_key())?));
        }
        write(&self.platform(), platform_ring)?;
        // Labeler takes no users' tokens, and still knows their key: what is revoked of a user has to reach the tokens that
        // Platform mints in the user's name.
        write(&self.labeler(), vec![Some(labeler), platform.public(), user.public()])?;
        write(&self.users(), vec![Some(user)])
    }

    /// Puts keys into Platform's ring that contracts before this one did without. A key that is there is left as it is, whatever it may
    /// sign: that is the operator's to say.
    fn complete(&self) -> Result<(), KeysError> {
        let file = self.platform();
        let mut rings = Rings::open(std::slice::from_ref(&file)).map_err(KeysError::Ring)?;
        for wanted in [agents_key(), actions_key()] {
            let ring = &rings.files[0].ring;
            let alike = |key: &&Key| key.owner() == wanted.owner && key.types() == wanted.types;
            if let Some(key) = ring.keys().find(|key| alike(key) && key.can_sign()) {
                warn_of_less(key, &wanted, &file);
            } else if !wanted.audiences.is_empty() {
                let kid = wanted.kid.clone();
                let key = made(wanted)?;
                rings.change(0, Key::clone, Some(key)).map_err(KeysError::Ring)?;
                tracing::warn!(kid, ring = %file.display(), "the ring had no such key: it is made");
            }
        }
        Ok(())
    }

    fn make_folder(&self) -> Result<(), KeysError> {
        let folder = rings_folder(&self.data);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|cause| KeysError::Write { file: folder, cause })
    }
}

/// A key that signs less than the contract now asks of it: what it lacks fails where it is needed.
fn warn_of_less(key: &Key, wanted: &KeySpec, file: &Path) {
    let lacks = |audience: &&String| !key.may_reach(audience);
    let audiences: Vec<_> = wanted.audiences.iter().filter(lacks).map(String::as_str).collect();
    let scopes: Vec<_> =
        wanted.scopes.iter().filter(|scope| !key.scopes().contains(scope)).collect();
    if !audiences.is_empty() || !scopes.is_empty() {
        tracing::warn!(
            kid = key.kid(),
            ring = %file.display(),
            audiences = audiences.join(" "),
            scopes = scopes.join(" "),
            "the key was made before these were declared and may not sign them; right: add them to its entry in the ring"
        );
    }
}

fn write(file: &Path, keys: Vec<Option<Key>>) -> Result<(), KeysError> {
    let ring = KeyRing::new(keys.into_iter().flatten().collect())?;
    RingFile::write(file, &ring).map_err(KeysError::Ring)
}

/// Why a mesh has no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// Some rings are there and others are not.
    #[error(
        "{missing} is missing while other rings are beside it; restore it, or remove the folder to begin with new keys",
        missing = missing.display()
    )]
    Incomplete {
        /// The first that is not there.
        missing: PathBuf,
    },
    /// The folder cannot be made.
    #[error("{file}: {cause}", file = file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The keys do not make a ring.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// A ring cannot be written.
    #[error(transparent)]
    Ring(Failure),
}

/// The key of the edge: signs what users hold, for Platform only, with the scopes that Platform's services declare.
fn user_key() -> KeySpec {
    spec("users-1", "hallpass", "users", &[TokenType::User], "platform")
}

/// Platform's key: signs what it holds for users and jobs, for Labeler only.
fn platform_key() -> KeySpec {
    let types = [TokenType::Service, TokenType::Background];
    let mut spec = spec("platform-1", "platform", "platform", &types, "labeler");
    spec.scopes = delegated("platform").collect();
    spec
}

/// Platform's key for action tokens: signs what users hold beside their own tokens, for elevated operations only.
fn actions_key() -> KeySpec {
    let mut spec = spec("actions-1", "platform", "platform", &[TokenType::Action], "platform");
    spec.scopes = Scopes::default();
    spec.audiences = ACTIONS.iter().map(|action| action.audience.to_owned()).collect();
    spec
}

/// Platform's key for agents: signs what acts for users, and nothing that administrators do.
fn agents_key() -> KeySpec {
    let mut spec = spec("agents-1", "platform", "platform", &[TokenType::User], "platform");
    let scopes: Vec<_> = spec.scopes.iter().filter(|scope| !scope.ends_with(":admin")).collect();
    spec.scopes = scopes.into_iter().collect();
    spec
}

/// Labeler's key: signs only what lets it follow the revocation feed.
fn labeler_key() -> KeySpec {
    let mut spec = spec("labeler-1", "labeler", "labeler", &[TokenType::Background], "platform");
    spec.scopes = std::iter::once("revocations:read").collect();
    spec
}

/// A key of this machine: who mints with it has the clock of those who verify.
fn made(spec: KeySpec) -> Result<Key, RingError> {
    Ok(generate(Algorithm::EdDsa, spec)?.sharing_clock(true))
}

/// What the handlers behind an audience may ask of other services, by their rules.
fn delegated(audience: &'static str) -> impl Iterator<Item = &'static str> {
    let rules = RULES.iter().filter(move |rule| rule.audience == audience);
    rules.flat_map(|rule| rule.delegates).copied()
}

fn spec(kid: &str, issuer: &str, owner: &str, types: &[TokenType], audience: &str) -> KeySpec {
    let declared = SERVICES.iter().filter(|service| service.audience == audience);
    KeySpec {
        kid: kid.to_owned(),
        issuer: issuer.to_owned(),
        owner: owner.to_owned(),
        types: types.to_vec(),
        scopes: declared.flat_map(|service| service.scopes).map(|(name, _)| *name).collect(),
        audiences: vec![audience.to_owned()],
        state: KeyState::Active,
        profile: Profile::Standard,
        no_expiry: false,
        roots: None,
        max_life: None,
    }
}
