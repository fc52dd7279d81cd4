//! Which tokens that are good for one call have made it.
//!
//! Invariant: of all calls that claim one token exactly one is told that it has it, however many ask at once and whatever
//! happens to the process or the power; what is told is durable by then.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_token::{Fingerprint, SKEW, UnixTime};
use tokio::sync::watch;

use crate::{Entry, Index, List, Note, OpenError, Opened, Options, WriteError};

/// The longest that a token with a claim on it can still be shown after it was issued: ten minutes, and twice the skew.
const LONGEST: Duration = Duration::from_secs(600 + 2 * SKEW.as_secs());

/// Where claims are kept: in the process's own [`Claims`], or where several processes share them.
pub trait ClaimStore: std::fmt::Debug + Send + Sync {
    /// Claims a token. True if the call of this decision has it, false if another one has. An error is a refusal, too: what
    /// is kept is then unknown.
    fn claim(&self, claim: Claim, now: UnixTime) -> Claiming<'_>;

    /// Whether some call has the token, or may have had it.
    fn is_claimed(&self, token: Fingerprint) -> Claiming<'_>;
}

/// An answer of a [`ClaimStore`] to come.
pub type Claiming<'a> = Pin<Box<dyn Future<Output = Result<bool, ClaimsError>> + Send + 'a>>;

/// The claims of one process, in a store of their own. Clones share it.
#[derive(Debug, Clone)]
pub struct Claims(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    list: List,
    /// Tokens issued before it may have been claimed in a store that is lost.
    since: UnixTime,
    /// The claims that are not in the list yet, or whose writing failed, with their decisions.
    pending: Mutex<HashMap<Fingerprint, (u128, watch::Receiver<Written>)>>,
}

/// How far a claim has come.
#[derive(Debug, Clone)]
enum Written {
    NotYet,
    Durably,
    Failed(WriteError),
}

/// A token, and the call that wants it.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The token.
    pub token: Fingerprint,
    /// When it was issued.
    pub issued_at: UnixTime,
    /// When it ends; kept for twice the skew beyond.
    pub expires_at: UnixTime,
    /// The call's decision, by which a claim knows itself again.
    pub decision: u128,
}

/// The store of claims cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClaimsError {
    /// It cannot be opened.
    #[error("claims of action tokens: {0}")]
    Open(#[from] OpenError),
    /// It cannot be written to.
    #[error("claims of action tokens: {0}")]
    Write(#[from] WriteError),
    /// It cannot be read.
    #[error("claims of action tokens: {0}")]
    Read(#[from] crate::ReadError),
    /// The store that several processes share does not do what it should.
    #[error("claims of action tokens: {0}")]
    Shared(String),
}

impl Claims {
    /// Opens the store in a folder of its own, or makes one. A store that is new, or that replaces a broken one, gives nobody a token
    /// that was issued before it was there: that may be spent. Blocks while it reads.
    pub async fn open(folder: &Path, options: &Options) -> Result<Self, ClaimsError> {
        let list = List::open(folder, options)?;
        let complete = matches!(list.opened(), Opened::Existing) && list.sequence() > 0;
        if !complete {
            let until = options.now.plus(LONGEST);
            let since = Entry::cutoff(beginning(), options.now, Some(until));
            list.revoke(since, note("the store begins", options.now)).await?;
            list.accept_loss().await?;
        }
        let begins = list.lookup(beginning())?.into_iter().find_map(|it| it.entry.issued_before);
        let since = begins.unwrap_or(UnixTime::from_secs(0));
        Ok(Self(Arc::new(Shared { list, since, pending: Mutex::default() })))
    }

    /// Claims a token. True if the call of this decision has it, false if another one has. An error is a refusal, too: what
    /// is on the disk is then unknown.
    pub async fn claim(&self, claim: Claim, now: UnixTime) -> Result<bool, ClaimsError> {
        if claim.issued_at < self.0.since || self.may_be_forgotten(claim) {
            return Ok(false);
        }
        let mut written = match self.reserve(claim) {
            Reserved::Anew(tell, written) => {
                // A task of its own: a caller that goes away does not leave a claim half made.
                tokio::spawn(Self::write(Arc::clone(&self.0), claim, now, tell));
                written
            }
            Reserved::Before(decision, written) if decision == claim.decision => written,
            Reserved::Before(..) => return Ok(false),
            Reserved::Kept => return self.is_of(claim).await,
        };
        let told = written.wait_for(|written| !matches!(written, Written::NotYet)).await;
        match told.as_deref() {
            Ok(Written::Durably) => Ok(true),
            Ok(Written::Failed(error)) => Err(error.clone().into()),
            Ok(Written::NotYet) | Err(_) => Err(WriteError::Stopped.into()),
        }
    }

    /// Whether some call has the token, or may have had it.
    pub fn is_claimed(&self, token: Fingerprint) -> bool {
        self.0.pending().contains_key(&token) || self.0.list.index().contains(token)
    }

    /// Drops the claims on tokens that have ended. Returns how many.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, WriteError> {
        self.forget_undone();
        self.0.list.sweep(now).await
    }

    /// The index of the store, which tells up to when claims were dropped.
    pub fn index(&self) -> Arc<Index> {
        self.0.list.index()
    }

    /// Whether a claim on the token may have been made and dropped since, whatever the wall clock says now.
    fn may_be_forgotten(&self, claim: Claim) -> bool {
        kept_until(claim) <= self.0.list.index().forgotten_upto()
    }

    /// Fails once something could not be made durable, until the store is open again: until then nothing can be claimed.
    pub fn healthy(&self) -> Result<(), WriteError> {
        self.0.list.healthy()
    }

    /// Takes the token's place under the lock. The list is looked at under it as well: a claim leaves the one only for the other.
    fn reserve(&self, claim: Claim) -> Reserved {
        let mut pending = self.0.pending();
        // Read before the look-up: once the list is well after a failure, its index has all that came to the disk.
        let is_well = self.0.list.healthy().is_ok();
        if self.0.list.index().contains(claim.token) {
            return Reserved::Kept;
        }
        if is_well && pending.get(&claim.token).is_some_and(|(_, written)| is_undone(written)) {
            pending.remove(&claim.token);
        }
        match pending.entry(claim.token) {
            Place::Occupied(place) => {
                let (decision, written) = place.get();
                Reserved::Before(*decision, written.clone())
            }
            Place::Vacant(place) => {
                let (tell, written) = watch::channel(Written::NotYet);
                place.insert((claim.decision, written.clone()));
                Reserved::Anew(tell, written)
            }
        }
    }

    /// A claim that cannot be written stays pending until the list is well again: whether it is on the disk is unknown until then.
    async fn write(shared: Arc<Shared>, claim: Claim, now: UnixTime, tell: watch::Sender<Written>) {
        let until = kept_until(claim);
        let note = note(&format!("{:032x}", claim.decision), now);
        let done = shared.list.revoke(Entry::exact(claim.token, Some(until)), note).await;
        if done.is_ok() {
            shared.pending().remove(&claim.token);
        }
        tell.send_replace(done.map_or_else(Written::Failed, |_| Written::Durably));
    }

    /// Claims that failed and that nobody makes again take no room for ever.
    fn forget_undone(&self) {
        let mut pending = self.0.pending();
        if self.0.list.healthy().is_ok() {
            pending.retain(|_, (_, written)| !is_undone(written));
        }
    }

    /// Reads the disk where no call waits for it.
    async fn is_of(&self, claim: Claim) -> Result<bool, ClaimsError> {
        let shared = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || shared.list.lookup(claim.token)).await;
        let kept = read.map_err(|_| WriteError::Stopped)??;
        let decision = format!("{:032x}", claim.decision);
        Ok(kept.iter().filter_map(|kept| kept.note.as_ref()).any(|note| note.reason == decision))
    }
}

impl ClaimStore for Claims {
    fn claim(&self, claim: Claim, now: UnixTime) -> Claiming<'_> {
        Box::pin(self.claim(claim, now))
    }

    fn is_claimed(&self, token: Fingerprint) -> Claiming<'_> {
        let claimed = self.is_claimed(token);
        Box::pin(async move { Ok(claimed) })
    }
}

/// What asking for a token's place found.
enum Reserved {
    /// It was free.
    Anew(watch::Sender<Written>, watch::Receiver<Written>),
    /// A claim on it is being written, or could not be.
    Before(u128, watch::Receiver<Written>),
    /// A claim on it is in the list.
    Kept,
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, HashMap<Fingerprint, (u128, watch::Receiver<Written>)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a claim was refused by the list, so that its index tells whether it is kept. What a silent disk will do is not known.
fn is_undone(written: &watch::Receiver<Written>) -> bool {
    matches!(&*written.borrow(), Written::Failed(WriteError::Unhealthy(_)))
}

/// Under which the store remembers its beginning. No token has it: it is a service's.
fn beginning() -> Fingerprint {
    Fingerprint::service("claims of action tokens")
}

fn kept_until(claim: Claim) -> UnixTime {
    claim.expires_at.plus(SKEW).plus(SKEW)
}

fn note(reason: &str, at: UnixTime) -> Note {
    Note { reason: reason.to_owned(), by: String::new(), at }
}

#[cfg(test)]
mod tests;
