//! The process's key ring, which can be replaced while calls go on.
//!
//! Invariant: once `reload` has returned, no call is decided by the former ring, what is cached from it included.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use hallpass_token::{KeyRing, OutsideKeys};

/// The key ring that is valid now. Clones share it.
#[derive(Debug, Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    current: ArcSwap<Current>,
    seeker: OnceLock<Seeker>,
}

/// Told that a token cannot be verified with the keys of its outside issuer that are known. Answers at once whether that issuer is being asked now.
type Seeker = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// The ring and its number, replaced together: who sees the one sees the other.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) generation: u64,
}

impl Keys {
    /// Starts with this ring.
    pub fn new(ring: KeyRing) -> Self {
        let current = ArcSwap::from_pointee(Current { ring: Arc::new(ring), generation: 0 });
        Self(Arc::new(Shared { current, seeker: OnceLock::new() }))
    }

    /// Replaces the ring. The keys of outside issuers stay.
    #[expect(clippy::needless_pass_by_value, reason = "the ring is this one's from now on")]
    pub fn reload(&self, ring: KeyRing) {
        self.replace(|old| ring.clone().with_outside_of(old));
    }

    /// Replaces the keys of one outside issuer.
    pub fn set_outside(&self, keys: &OutsideKeys) {
        self.replace(|old| old.with_outside(keys.clone()));
    }

    /// Sets who seeks outside issuers' keys that are not known. The first one stays.
    pub fn sought_by(&self, seeker: impl Fn(&str) -> bool + Send + Sync + 'static) {
        self.0.seeker.get_or_init(|| Box::new(seeker));
    }

    /// Whether the outside issuer that a refused token names is being asked for its keys now.
    #[cfg(feature = "serve")]
    pub(crate) fn are_sought_for(&self, token: &str) -> bool {
        let Some(seeker) = self.0.seeker.get() else { return false };
        let ring = self.ring();
        ring.claimed_outside(token).is_some_and(|keys| seeker(&keys.issuer().issuer))
    }

    fn replace(&self, make: impl Fn(&KeyRing) -> KeyRing) {
        self.0
            .current
            .rcu(|old| Current { ring: Arc::new(make(&old.ring)), generation: old.generation + 1 });
    }

    /// The ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.current.load().ring)
    }

    /// Counts the reloads. Who caches reads it before the ring, so that what is kept is never younger than it says.
    pub fn generation(&self) -> u64 {
        self.0.current.load().generation
    }

    /// The ring with its number.
    #[cfg(feature = "serve")]
    pub(crate) fn current(&self) -> Arc<Current> {
        self.0.current.load_full()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("current", &self.current).finish_non_exhaustive()
    }
}
