//! What a guard is made of.

use std::sync::Arc;

use hallpass_revocation::{Freshness, Index, Sessions};
use tokio::sync::watch;

use crate::serve::actions::Actions;
use crate::{Clock, Keys, Rules};

/// What a guard is made of.
#[derive(Debug)]
pub struct GuardSetup {
    /// The contract's rules.
    pub rules: Rules,
    /// The key ring.
    pub keys: Keys,
    /// The revocation list in memory.
    pub index: Arc<Index>,
    /// Tells when the list has changed, so that open streams are looked at again.
    pub changes: watch::Receiver<u64>,
    /// Whether the list can be trusted.
    pub freshness: Freshness,
    /// The clock.
    pub clock: Clock,
    /// Where action tokens are used up.
    pub actions: Arc<Actions>,
    /// The sessions whose handles stand for tokens here; none where only tokens are taken.
    pub sessions: Option<Sessions>,
    /// A random number that tells this process' decisions from others'.
    pub node: u64,
    /// How much memory the verified tokens may take, in bytes.
    pub cache_bytes: u64,
}

impl GuardSetup {
    /// The usual size of the token cache: 32 MiB.
    pub const CACHE_BYTES: u64 = 32 << 20;
}
