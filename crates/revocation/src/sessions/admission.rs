//! Lets new sessions in.
//!
//! Invariant: at no moment does a holder, or the node, have more open sessions than it may: whoever is let in has its place before it is made
//! durable, and gives it back if it is not.

use std::collections::HashMap;
use std::sync::Arc;

use hallpass_token::{Fingerprint, UnixTime};

use super::{AT_MOST, BeginError, OF_ONE, Session, Sessions};

/// The place of a session that is being opened. It is given back with this value, unless it is kept.
pub(super) struct Place<'a> {
    sessions: &'a Sessions,
    name: Option<Fingerprint>,
}

impl Sessions {
    /// Takes a place for a session, if there is one.
    pub(super) fn admit(
        &self,
        name: Fingerprint,
        session: &Arc<Session>,
        now: UnixTime,
    ) -> Result<Place<'_>, BeginError> {
        self.change(|open| {
            let own = open.values().filter(|other| other.holder == session.holder);
            if own.filter(|other| self.is_open(other, now)).count() >= OF_ONE {
                return Err(BeginError::TooMany(OF_ONE));
            }
            if !self.has_room(open, now) {
                return Err(BeginError::TooMany(AT_MOST));
            }
            open.insert(name, Arc::clone(session));
            Ok(Place { sessions: self, name: Some(name) })
        })
    }

    /// Whether the node can have one more. What has ended, and is still known so that its handle is told why it opens nothing, makes room.
    pub(super) fn has_room(
        &self,
        open: &mut HashMap<Fingerprint, Arc<Session>>,
        now: UnixTime,
    ) -> bool {
        if open.len() >= AT_MOST {
            open.retain(|_, session| self.is_open(session, now));
        }
        open.len() < AT_MOST
    }
}

impl Place<'_> {
    /// The session is durable.
    pub(super) fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name {
            self.sessions.change(|open| drop(open.remove(&name)));
        }
    }
}
