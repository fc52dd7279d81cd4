//! The process's key ring, which can be replaced while calls go on.
//!
//! Invariant: once `reload` has returned, no call is decided by the former ring, what is cached from it included.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hallpass_token::KeyRing;

/// The key ring that is valid now. Clones share it.
#[derive(Debug, Clone)]
pub struct Keys(Arc<ArcSwap<Current>>);

/// The ring and its number, replaced together: who sees the one sees the other.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) generation: u64,
}

impl Keys {
    /// Starts with this ring.
    pub fn new(ring: KeyRing) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Current { ring: Arc::new(ring), generation: 0 })))
    }

    /// Replaces the ring.
    pub fn reload(&self, ring: KeyRing) {
        let ring = Arc::new(ring);
        self.0.rcu(|old| Current { ring: Arc::clone(&ring), generation: old.generation + 1 });
    }

    /// The ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.0.load().ring)
    }

    /// Counts the reloads. Who caches reads it before the ring, so that what is kept is never younger than it says.
    pub fn generation(&self) -> u64 {
        self.0.load().generation
    }

    /// The ring with its number.
    #[cfg(feature = "serve")]
    pub(crate) fn current(&self) -> Arc<Current> {
        self.0.load_full()
    }
}
