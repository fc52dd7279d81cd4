//! Tokens minted lately, so that calls in the same name to the same service share one.
//!
//! Invariant: a token is handed out again only in the name it was minted for, under the same ring, with enough of its life left, and
//! not after a service has refused it: one that was revoked meanwhile is not kept for its life.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hallpass_policy::Denial;
use hallpass_token::{Fingerprint, MintedToken, TokenType, UnixTime};
use http::HeaderValue;
use quick_cache::sync::Cache;

/// How many are kept.
const AT_MOST: usize = 4096;
/// A token with less of its life left is not handed out again, or with less than half of it where it lives shorter.
const LEFT: Duration = Duration::from_mins(1);

/// What makes two calls need the same token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    /// What was signed of the token that it descends from; `None` for the process' own. An issuer may give one `jti` twice.
    pub(super) parent: Option<Fingerprint>,
    pub(super) token_type: TokenType,
    pub(super) audience: &'static str,
    pub(super) scope: Option<&'static str>,
    /// The bucket to which the parent's storage grants are narrowed; `None` where they are not.
    pub(super) bucket: Option<Arc<str>>,
    /// The generation of the ring that signs.
    pub(super) ring: u64,
}

/// A token ready to be sent. Its `Debug` does not show it.
pub(super) struct Ready {
    header: HeaderValue,
    minted_at: UnixTime,
    expires_at: Option<UnixTime>,
    refused: AtomicBool,
}

impl Ready {
    pub(super) fn new(token: &MintedToken, minted_at: UnixTime) -> Result<Self, Denial> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| Denial::Misconfigured("a minted token is no header value"))?;
        header.set_sensitive(true);
        let refused = AtomicBool::new(false);
        Ok(Self { header, minted_at, expires_at: token.expires_at(), refused })
    }

    /// One that no service takes.
    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let (header, minted_at) = (HeaderValue::from_static("Bearer none"), UnixTime::from_secs(0));
        Self { header, minted_at, expires_at: None, refused: AtomicBool::new(false) }
    }

    pub(super) const fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(super) const fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// A service has refused it: the next call gets another.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    pub(super) fn lasts(&self, now: UnixTime) -> bool {
        let accepted = !self.refused.load(Ordering::Relaxed);
        accepted
            && self.expires_at.is_none_or(|end| {
                let enough = LEFT.min(end.since(self.minted_at) / 2);
                end.since(now) >= enough && now < end
            })
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The tokens minted lately.
pub(super) struct Minted(Cache<Purpose, Arc<Ready>>);

impl Minted {
    pub(super) fn new() -> Self {
        Self(Cache::new(AT_MOST))
    }

    pub(super) fn get(&self, purpose: &Purpose, now: UnixTime) -> Option<Arc<Ready>> {
        self.0.get(purpose).filter(|ready| ready.lasts(now))
    }

    pub(super) fn keep(&self, purpose: Purpose, ready: &Arc<Ready>) {
        self.0.insert(purpose, Arc::clone(ready));
    }
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Minted").field(&self.0.len()).finish()
    }
}
