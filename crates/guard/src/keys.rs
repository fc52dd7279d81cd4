//! The process's key ring, which can be replaced while calls go on.
//!
//! Invariant: once `reload` has returned, no call is decided by the former ring, what is cached from it included.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use hallpass_token::KeyRing;

/// The key ring that is valid now. Clones share it.
#[derive(Debug, Clone)]
pub struct Keys(Arc<Current>);

#[derive(Debug)]
struct Current {
    ring: ArcSwap<KeyRing>,
    generation: AtomicU64,
}

impl Keys {
    /// Starts with this ring.
    pub fn new(ring: KeyRing) -> Self {
        let ring = ArcSwap::from_pointee(ring);
        Self(Arc::new(Current { ring, generation: AtomicU64::new(0) }))
    }

    /// Replaces the ring.
    pub fn reload(&self, ring: KeyRing) {
        self.0.ring.store(Arc::new(ring));
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// The ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        self.0.ring.load_full()
    }

    /// Counts the reloads. Who caches reads it before the ring, so that what is kept is never younger than it says.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }
}
