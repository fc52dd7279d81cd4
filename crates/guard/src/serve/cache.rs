//! Remembers which tokens verified, so that the next call with the same token costs a look-up.
//!
//! Invariant: only verified tokens are kept, none longer than its ring. Their time is checked at every look: one that has expired stays
//! here, so that refusing it again costs no signature. Whatever else was refused is verified again. Bounded by memory, and so is what
//! one user takes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use hallpass_policy::{Denial, KeyEntry};
use hallpass_revocation::Index;
use hallpass_token::{KeyRing, UnixTime, Verified};
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::Keys;
use crate::keys::Current;
use crate::serve::credentials::Token;
use crate::serve::holder::{Holder, Holders};

/// A token that verified, with what is remembered about it.
pub(crate) struct Known {
    pub(crate) token: Arc<Verified>,
    /// The ring that verified it.
    ring: Arc<Current>,
    /// The latest ring that was seen to hold the same key entry.
    same_entry: AtomicU64,
    bytes: u64,
    /// Whose it is, for what is shared.
    pub(super) holder: Arc<Holder>,
    /// The list's generation and, in the lowest bit, what it said. One number, so that both are read and written at once.
    seen: AtomicU64,
}

/// No list has been looked into yet. No generation gets there.
const NEVER: u64 = u64::MAX;

impl Known {
    pub(super) fn new(
        token: Verified,
        ring: Arc<Current>,
        holder: Arc<Holder>,
        bytes: u64,
    ) -> Arc<Self> {
        let (seen, same_entry) = (AtomicU64::new(NEVER), AtomicU64::new(ring.generation));
        Arc::new(Self { token: Arc::new(token), ring, same_entry, bytes, holder, seen })
    }

    /// Whether the ring of now holds the entry that verified the token; compared again only when the ring was replaced.
    pub(crate) fn key_entry(&self, keys: &Keys) -> KeyEntry {
        if self.same_entry.load(Ordering::Relaxed) == keys.generation() {
            return KeyEntry::Unchanged;
        }
        let (now, kid) = (keys.current(), self.token.kid());
        match (self.ring.ring.key(kid), now.ring.key(kid)) {
            (Some(then), Some(key)) if then.is_same_entry(key) => {
                self.same_entry.store(now.generation, Ordering::Relaxed);
                KeyEntry::Unchanged
            }
            _ => KeyEntry::Gone,
        }
    }

    /// Whether the list refuses the token; looked up again only when the list has changed.
    pub(crate) fn is_revoked(&self, index: &Index) -> bool {
        // Read before the look-up: an entry that arrives in between belongs to a later generation, which looks again.
        let generation = index.generation();
        let seen = self.seen.load(Ordering::Relaxed);
        if seen >> 1 == generation {
            return seen & 1 == 1;
        }
        let revoked = index.is_revoked(&self.token);
        self.seen.store(generation << 1 | u64::from(revoked), Ordering::Relaxed);
        revoked
    }
}

/// The tokens that verified lately.
pub(crate) struct TokenCache {
    /// How many bytes of them one user may have, so that nobody's many tokens displace the others'.
    of_one: u64,
    known: Cache<Box<[u8]>, Arc<Known>, Weight, RandomState>,
    holders: Holders,
    misses: AtomicU64,
}

impl TokenCache {
    /// Keeps as much as fits into about this many bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        const USUAL_TOKEN: u64 = 700;
        let items = usize::try_from(bytes / weight(USUAL_TOKEN, USUAL_TOKEN)).unwrap_or(usize::MAX);
        let (hasher, lifecycle) = (RandomState::default(), DefaultLifecycle::default());
        let known = Cache::with(items, bytes, Weight, hasher, lifecycle);
        Self { of_one: bytes / 4, known, holders: Holders::default(), misses: AtomicU64::new(0) }
    }

    /// The token, if it was verified by the ring of now.
    pub(crate) fn known(
        &self,
        token: Token<'_>,
        keys: &Keys,
        now: UnixTime,
    ) -> Result<Option<Arc<Known>>, Denial> {
        let Some(known) = self.known.get(token.bytes()) else { return Ok(None) };
        if known.ring.generation != keys.generation() {
            return Ok(None);
        }
        known.token.check_time(now)?;
        Ok(Some(known))
    }

    /// The token, if it was verified by the ring of now, whether or not this is its time.
    pub(crate) fn seen(&self, token: Token<'_>, keys: &Keys) -> Option<Arc<Known>> {
        let known = self.known.get(token.bytes())?;
        (known.ring.generation == keys.generation()).then_some(known)
    }

    /// The token, verified now. `read` verifies what it is or stands for, but for its time.
    pub(crate) fn verify(
        &self,
        token: Token<'_>,
        keys: &Keys,
        now: UnixTime,
        read: impl FnOnce(&KeyRing, &str) -> Result<Verified, Denial>,
    ) -> Result<Arc<Known>, Denial> {
        self.misses.fetch_add(1, Ordering::Relaxed);
        let current = keys.current();
        let verified = read(&current.ring, token.text()?)?;
        let holder = self.holders.of(&verified);
        let bytes = weight(token.bytes().len() as u64, verified.held_bytes() as u64);
        let known = Known::new(verified, current, holder, bytes);
        self.make_room(&known.holder, bytes);
        self.known.insert(token.bytes().into(), Arc::clone(&known));
        known.token.check_time(now)?;
        Ok(known)
    }

    /// Whose tokens have come to more than one user's share starts over: what they displace is their own.
    fn make_room(&self, holder: &Holder, bytes: u64) {
        let cached = &holder.user.cached;
        if cached.fetch_add(bytes, Ordering::Relaxed) + bytes > self.of_one {
            cached.store(bytes, Ordering::Relaxed);
            self.known.retain(|_, known| !Arc::ptr_eq(&known.holder.user, &holder.user));
        }
    }

    /// How often a token had to be verified.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Weight;

impl quick_cache::Weighter<Box<[u8]>, Arc<Known>> for Weight {
    fn weight(&self, _: &Box<[u8]>, known: &Arc<Known>) -> u64 {
        known.bytes
    }
}

/// What was sent, what it stands for, unfolded, and what holds them.
const fn weight(sent: u64, held: u64) -> u64 {
    sent + held + 1024
}
