//! Puts new keys in the place of those that this node signs with.
//!
//! Invariant: no call is refused for it. Nothing signs with a new key before every verifier whose ring is at hand has had the time to
//! learn it, and where a verifier's ring is not, nothing signs with one that was not prepared before.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hallpass_contract::auth::{RotateKeysRequest, RotateKeysResponse, RotatedKey};
use hallpass_guard::Keys;
use hallpass_policy::Permit;
use hallpass_token::{Key, KeyRing, KeyState};

use crate::error::Error;

/// How long every process has to read its ring anew, in seconds, where nothing else is said.
const USUAL_SETTLE: u32 = 5;
const LONGEST_SETTLE: u32 = 20;

/// How long this process may take to read its own ring anew, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where the rings are kept.
pub trait RingStore: fmt::Debug + Send + Sync + 'static {
    /// Puts a new key beside each of these into every ring at hand that knows it; the new ones do not sign. One that was prepared
    /// before stays as it is.
    fn prepare(&self, kids: Vec<String>) -> Step<Vec<Successor>>;

    /// Makes the new keys sign, and takes from the old ones what signs.
    fn activate(&self, keys: Vec<Successor>) -> Step<()>;
}

/// A step under way.
pub type Step<T> = Pin<Box<dyn Future<Output = Result<T, RotationError>> + Send>>;

/// A key and what comes in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Successor {
    /// The old key.
    pub kid: String,
    /// The new key.
    pub successor: String,
    /// Whether it was there already, from a rotation that began before.
    pub begun: bool,
    /// The audiences of its tokens whose verifiers' rings are not at hand.
    pub elsewhere: Vec<String>,
}

/// Why keys are not rotated. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Others change the rings at the moment, or just have.
    #[error("the rings are being changed: {0}")]
    Busy(String),
    /// The rings cannot be read or written.
    #[error("{0}")]
    Failed(String),
}

/// What rotates the keys of one node.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    pub(crate) keys: Keys,
    pub(crate) owner: &'static str,
    pub(crate) store: Arc<dyn RingStore>,
}

impl Rotation {
    /// Rotates as far as the request says.
    pub(crate) async fn rotate(
        &self,
        permit: &Permit,
        request: RotateKeysRequest,
    ) -> Result<RotateKeysResponse, Error> {
        let settle = settle(request.settle_seconds)?;
        let kids = self.chosen(request.kids)?;
        let keys = self.store.prepare(kids).await?;
        self.wait_for(|ring| keys.iter().all(|key| ring.key(&key.successor).is_some())).await?;
        if !request.prepare_only {
            verifiers_know(&keys)?;
            tokio::time::sleep(settle).await;
            self.store.activate(keys.clone()).await?;
            self.wait_for(|ring| keys.iter().all(|key| signs(ring.key(&key.successor)))).await?;
        }
        let rotated = |key: Successor| self.rotated(key, permit, !request.prepare_only);
        Ok(RotateKeysResponse { keys: keys.into_iter().map(rotated).collect() })
    }

    /// The keys that are named, or all that this node signs with.
    fn chosen(&self, named: Vec<String>) -> Result<Vec<String>, Error> {
        let ring = self.keys.ring();
        let own = |key: &&Key| key.owner() == self.owner && signs(Some(key));
        let all: Vec<_> = ring.keys().filter(own).map(|key| key.kid().to_owned()).collect();
        if named.is_empty() {
            return Ok(all);
        }
        if named.iter().enumerate().any(|(at, kid)| !all.contains(kid) || named[..at].contains(kid))
        {
            let problem = format!("must be of {}, each once", all.join(", "));
            return Err(Error::Wrong { field: "kids", problem });
        }
        Ok(named)
    }

    /// Waits until this process has read what it is to sign with.
    async fn wait_for(&self, is_so: impl Fn(&KeyRing) -> bool) -> Result<(), Error> {
        let waited = async {
            while !is_so(&self.keys.ring()) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let late = "this process has not read its ring anew in time";
        let waited = tokio::time::timeout(PATIENCE, waited).await;
        waited.map_err(|_| RotationError::Busy(late.to_owned()).into())
    }

    fn rotated(&self, key: Successor, permit: &Permit, signs: bool) -> RotatedKey {
        let Successor { kid, successor, .. } = key;
        tracing::info!(
            target: "hallpass::audit",
            decision = %permit.decision(),
            owner = self.owner,
            kid,
            successor,
            signs,
            by = permit.subject(),
            "key rotated",
        );
        RotatedKey { kid, successor, signs }
    }
}

fn signs(key: Option<&Key>) -> bool {
    key.is_some_and(|key| key.can_sign() && key.state() == KeyState::Active)
}

/// A key that verifiers elsewhere have to know signs only if it was prepared by an earlier call.
fn verifiers_know(keys: &[Successor]) -> Result<(), Error> {
    let unknown = keys.iter().find(|key| !key.begun && !key.elsewhere.is_empty());
    unknown.map_or(Ok(()), |key| {
        Err(Error::VerifiersElsewhere {
            successor: key.successor.clone(),
            audiences: key.elsewhere.join(", "),
        })
    })
}

fn settle(seconds: u32) -> Result<Duration, Error> {
    match seconds {
        0 => Ok(Duration::from_secs(USUAL_SETTLE.into())),
        1..=LONGEST_SETTLE => Ok(Duration::from_secs(seconds.into())),
        _ => Err(Error::Invalid { field: "settle_seconds", problem: "must be 0 to 20" }),
    }
}
