//! What processes that share sessions tell each other.
//!
//! Invariant: what travels is what lies on the disk: neither a handle nor a token that is not sealed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_token::{Fingerprint, UnixTime};
use tokio::sync::watch;

use super::{Session, Sessions};
use crate::{Listed, Note, ReadError};

/// That a session was opened, or used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionNews {
    /// Which session: its handle's hash.
    pub session: Fingerprint,
    /// What is told of it; the newest of a kind replaces those before.
    pub kind: SessionNewsKind,
    /// When nobody needs to know any more.
    pub until: UnixTime,
    /// What is told, for [`Sessions::learn`].
    pub text: String,
}

/// What is told of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionNewsKind {
    /// That it was opened: everything about it.
    Opened,
    /// When it was used last.
    Used,
}

impl Sessions {
    /// From now on a session counts as opened only once it is carried to where the other processes find it: `carried` tells up to which
    /// sequence of this store everything is. To be called once.
    pub fn carried_by(&self, carried: watch::Receiver<u64>) {
        self.0.list.carried_by(carried);
    }

    /// Tells when there is something new to carry: the last sequence.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.list.changes()
    }

    /// What the others are to know, behind a sequence on, and up to which sequence this is everything. Blocks while it reads.
    pub fn news(&self, after: u64, most: usize) -> Result<(Vec<SessionNews>, u64), ReadError> {
        let upto = self.0.list.sequence();
        let page = self.0.list.page(after, most)?;
        let whole = page.len() < most;
        let reached = page.last().filter(|_| !whole).map_or(upto, |last| last.sequence);
        Ok((page.into_iter().filter_map(SessionNews::of).collect(), reached.max(after)))
    }

    /// Takes in what others have told of sessions. Returns how many could not be: they make no sense, or there are too many.
    pub fn learn<'a>(
        &self,
        told: impl IntoIterator<Item = (Fingerprint, &'a str)>,
        now: UnixTime,
    ) -> usize {
        let mut left = 0;
        self.change(|open| {
            for (name, text) in told {
                match SessionNews::read(text) {
                    Some(Told::Used(used)) => {
                        if let Some(session) = open.get(&name) {
                            session.used.fetch_max(used.as_secs(), Ordering::Relaxed);
                            session.noted.fetch_max(used.as_secs(), Ordering::Relaxed);
                        }
                    }
                    Some(Told::Opened(session)) if now >= session.ends => {}
                    Some(Told::Opened(session)) if self.has_room(open, now) => {
                        open.entry(name).or_insert_with(|| Arc::new(session));
                    }
                    Some(Told::Opened(_)) | None => left += 1,
                }
            }
        });
        left
    }
}

enum Told {
    Opened(Session),
    Used(UnixTime),
}

impl SessionNews {
    fn of(listed: Listed) -> Option<Self> {
        let (session, until) = (listed.entry.fingerprint, listed.entry.until?);
        let (kind, text) = match (listed.entry.issued_before, listed.note) {
            (Some(used), _) => (SessionNewsKind::Used, format!("used {}", used.as_secs())),
            (None, Some(Note { reason, by, .. })) => {
                (SessionNewsKind::Opened, format!("opened {by} {reason}"))
            }
            (None, None) => return None,
        };
        Some(Self { session, kind, until, text })
    }

    fn read(text: &str) -> Option<Told> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "used" => Some(Told::Used(UnixTime::from_secs(rest.parse().ok()?))),
            "opened" => {
                let (by, reason) = rest.split_once(' ')?;
                let (reason, by) = (reason.to_owned(), by.to_owned());
                let record = Note { reason, by, at: UnixTime::from_secs(0) };
                Session::read(&record).map(Told::Opened)
            }
            _ => None,
        }
    }
}
