//! Open sessions: handles that stand for a token which was validated once.
//!
//! Invariant: nobody learns a token or a handle from the store. A record stands under the handle's hash, and its token is sealed with a key
//! that only the handle gives. What is opened is durable before its handle is given away, and no restart lets a session live longer.

mod admission;
mod news;
mod seal;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hallpass_token::{Fingerprint, UnixTime};

use crate::{Entry, Index, List, Note, OpenError, Options, ReadError, WriteError};

pub use news::{SessionNews, SessionNewsKind};
pub use seal::Handle;
pub use session::Session;

use seal::Sealed;

/// How many sessions a node has at most.
const AT_MOST: usize = 10_000;
/// How many one user has at most, those of their agents included.
const OF_ONE: usize = 100;
/// How many of those their agents have at most, so that the user always has the others.
const OF_AGENTS: usize = OF_ONE / 2;
/// How much of a sealed token a record holds, in bytes: more than metadata can carry.
const RECORD_BYTES: usize = 32 << 10;
/// How many records are read at a time.
const PAGE: usize = 512;

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// The longest; never more than the token's own life.
    pub longest: Duration,
    /// Without a call for so long a session ends.
    pub idle: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { longest: Duration::from_hours(1), idle: Duration::from_mins(15) }
    }
}

/// The open sessions of a node, in a store of their own. Clones share it.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    list: List,
    limits: SessionLimits,
    /// Of the list that sessions are closed in.
    closed: Arc<Index>,
    open: ArcSwap<HashMap<Fingerprint, Arc<Session>>>,
    /// Held by whoever replaces the map, which no call waits for.
    changing: Mutex<()>,
    /// Those that made room for others, and are to be closed.
    displaced: Mutex<Vec<Arc<Session>>>,
}

/// A session to begin.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Its public id.
    pub id: String,
    /// Whose it is: [`Fingerprint::subject`] of a user, or of one who acts for a user.
    pub holder: Fingerprint,
    /// The user, whoever acts for them: whose number it counts in.
    pub user: Fingerprint,
    /// The token that it stands for, verified.
    pub token: &'a str,
    /// When the token ends.
    pub token_ends: Option<UnixTime>,
    /// What operators are to see of the token; it opens nothing. At most a few thousand bytes.
    pub about: Vec<u8>,
}

/// Why a handle opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// There is no such handle, or it is long over.
    Unknown,
    /// Its time is over.
    Over,
    /// Nobody used it for too long.
    Idle,
}

impl Absent {
    /// Why, for whoever used the handle.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Unknown => "there is no such handle",
            Self::Over => "its time is over",
            Self::Idle => "it was not used for too long",
        }
    }
}

/// A session was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The holder has too many, or the node has.
    #[error("too many sessions are open; at most {0}")]
    TooMany(usize),
    /// The token is longer than metadata can carry.
    #[error("the token is too long for a session")]
    TooLong,
    /// The crypto library refused.
    #[error("the token cannot be sealed")]
    Unsealed,
    /// It could not be made durable.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Sessions {
    /// Opens the store in a folder of its own, or makes one; a store that is lost ends its sessions. A session is closed by revoking it
    /// in the list whose index this is. Blocks while it reads.
    pub fn open(
        folder: &Path,
        options: &Options,
        limits: SessionLimits,
        closed: Arc<Index>,
    ) -> Result<Self, SessionsError> {
        let mut options = options.clone();
        options.note_bytes = RECORD_BYTES;
        let list = List::open(folder, &options)?;
        let open = ArcSwap::from_pointee(read(&list)?);
        Ok(Self(Arc::new(Shared {
            list,
            limits,
            closed,
            open,
            changing: Mutex::default(),
            displaced: Mutex::default(),
        })))
    }

    /// How long sessions live.
    pub fn limits(&self) -> SessionLimits {
        self.0.limits
    }

    /// Opens a session under a new handle. Once it returns, the session is durable. Where the node is full, the session that was used
    /// longest ago goes, of whoever has the most: see [`Sessions::take_displaced`].
    pub async fn begin(
        &self,
        handle: &Handle,
        new: NewSession<'_>,
        now: UnixTime,
    ) -> Result<Arc<Session>, BeginError> {
        let longest = now.plus(self.0.limits.longest);
        let ends = new.token_ends.map_or(longest, |token| token.min(longest));
        let sealed = Sealed::new(handle, &new.id, new.token).ok_or(BeginError::Unsealed)?;
        let whose = (new.holder, new.user);
        let session = Session::new(new.id, whose, (now, ends), sealed);
        let session = Arc::new(session.with_about(new.about));
        let place = self.admit(handle.name(), &session, now)?;
        let note =
            Note { reason: session.write(), by: session.holder.to_string(), at: session.opened };
        let entry = Entry::exact(handle.name(), Some(session.kept_until()));
        match self.0.list.revoke(entry, note).await {
            Err(WriteError::NoteTooLong) => return Err(BeginError::TooLong),
            other => other?,
        };
        place.keep();
        Ok(session)
    }

    /// The sessions that made room for others: their handles open nothing any more, and they are to be closed in the list, so that what was
    /// made from them ends, too. Each is given once.
    pub fn take_displaced(&self) -> Vec<Arc<Session>> {
        std::mem::take(&mut *self.0.displaced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session of a handle, which counts as used now.
    pub fn find(&self, handle: &str, now: UnixTime) -> Result<Arc<Session>, Absent> {
        let session = self.look_up(handle).ok_or(Absent::Unknown)?;
        self.check(&session, now)?;
        session.used.fetch_max(now.as_secs(), Ordering::Relaxed);
        Ok(session)
    }

    /// The session of a handle, whether or not it has ended; this is no use of it.
    pub fn look_up(&self, handle: &str) -> Option<Arc<Session>> {
        self.0.open.load().get(&Fingerprint::handle(handle)).map(Arc::clone)
    }

    /// Whether this is still a session's time. Whether it was closed, the list says.
    pub fn check(&self, session: &Session, now: UnixTime) -> Result<(), Absent> {
        session.check(now, self.0.limits.idle)
    }

    fn is_open(&self, session: &Session, now: UnixTime) -> bool {
        self.check(session, now).is_ok()
            && !self.0.closed.contains(Fingerprint::session(&session.id))
    }

    /// A holder's sessions that have not ended, the oldest first.
    pub fn of(&self, holder: Fingerprint, now: UnixTime) -> Vec<Arc<Session>> {
        let open = self.0.open.load();
        let own = open.values().filter(|session| session.holder == holder);
        let live = own.filter(|session| self.is_open(session, now));
        let mut live: Vec<_> = live.map(Arc::clone).collect();
        live.sort_by(|one, two| (one.opened, &one.id).cmp(&(two.opened, &two.id)));
        live
    }

    /// Everybody's sessions that have not ended, the oldest first.
    pub fn all(&self, now: UnixTime) -> Vec<Arc<Session>> {
        let open = self.0.open.load();
        let live = open.values().filter(|session| self.is_open(session, now));
        let mut live: Vec<_> = live.map(Arc::clone).collect();
        live.sort_by(|one, two| (one.opened, &one.id).cmp(&(two.opened, &two.id)));
        live
    }

    /// How many there are, those that have just ended included.
    pub fn count(&self) -> usize {
        self.0.open.load().len()
    }

    /// Drops what has ended, and notes which were used, so that a restart does not take them for younger or older than they are.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, WriteError> {
        let used: Vec<_> = self.0.open.load().iter().filter_map(Session::use_to_note).collect();
        for (session, entry, at) in used {
            let note = Note { reason: String::new(), by: String::new(), at: now };
            self.0.list.revoke(entry, note).await?;
            session.noted.store(at, Ordering::Relaxed);
        }
        let idle = self.0.limits.idle;
        // Marked before they are dropped: a session that ended idle is still on the disk, where a clock set back would find it open.
        let ends = |session: &Arc<Session>| session.check(now, idle).is_err();
        if self.0.open.load().values().any(ends) {
            self.0.list.forget(now).await?;
        }
        self.change(|open| open.retain(|_, session| session.check(now, idle).is_ok()));
        self.0.list.sweep(now).await
    }

    /// The index of the store, which tells up to when sessions were dropped.
    pub fn index(&self) -> Arc<Index> {
        self.0.list.index()
    }

    /// Fails once something could not be made durable, until the store is open again: until then none can be opened.
    pub fn healthy(&self) -> Result<(), WriteError> {
        self.0.list.healthy()
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<Fingerprint, Arc<Session>>) -> T) -> T {
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = HashMap::clone(&self.0.open.load());
        let changed = change(&mut open);
        self.0.open.store(Arc::new(open));
        changed
    }
}

/// The store of sessions cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// It does not open.
    #[error("sessions: {0}")]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error("sessions: {0}")]
    Read(#[from] ReadError),
}

/// Everything that the store holds: sessions, and the last uses that were noted.
fn read(store: &List) -> Result<HashMap<Fingerprint, Arc<Session>>, ReadError> {
    let (mut open, mut noted, mut after) = (HashMap::new(), Vec::new(), 0);
    loop {
        let page = store.page(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.sequence;
        for kept in page {
            let name = kept.entry.fingerprint;
            match (kept.entry.issued_before, kept.note) {
                (Some(used), _) => noted.push((name, used)),
                (None, Some(record)) => {
                    open.extend(Session::read(&record).map(|session| (name, Arc::new(session))));
                }
                (None, None) => {}
            }
        }
    }
    for (name, used) in noted {
        if let Some(session) = open.get(&name) {
            session.used.fetch_max(used.as_secs(), Ordering::Relaxed);
            session.noted.fetch_max(used.as_secs(), Ordering::Relaxed);
        }
    }
    Ok(open)
}
