//! Lets new sessions in.
//!
//! Invariant: at no moment does a user, or the node, have more open sessions than it may: whoever is let in has its place before it is made
//! durable, and gives it back if it is not. A full node is full of nobody's: whoever has the most sessions makes room for those who have fewer.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use hallpass_token::{Fingerprint, UnixTime};

use super::{AT_MOST, BeginError, OF_AGENTS, OF_ONE, Session, Sessions};

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
            let own = open.values().filter(|other| other.user == session.user);
            let own: Vec<_> = own.filter(|other| self.is_open(other, now)).collect();
            let of_agents = own.iter().filter(|other| other.is_of_agent()).count();
            let own = own.len();
            if own >= OF_ONE {
                return Err(BeginError::TooMany(OF_ONE));
            }
            if session.is_of_agent() && of_agents >= OF_AGENTS {
                return Err(BeginError::TooMany(OF_AGENTS));
            }
            if !self.has_room(open, now) && !self.make_room(open, own) {
                return Err(BeginError::TooMany(AT_MOST));
            }
            open.insert(name, Arc::clone(session));
            Ok(Place { sessions: self, name: Some(name) })
        })
    }

    /// Ends the session that was used longest ago, of whoever has the most. Not for someone who would then have as many as they.
    fn make_room(&self, open: &mut HashMap<Fingerprint, Arc<Session>>, own: usize) -> bool {
        let mut users: HashMap<Fingerprint, Held> = HashMap::new();
        for (name, session) in open.iter() {
            let (used, name) = (session.used(), *name);
            let held = users.entry(session.user).or_insert(Held { count: 0, idlest: (used, name) });
            held.count += 1;
            held.idlest = held.idlest.min((used, name));
        }
        let heaviest = users.values().max_by_key(|held| (held.count, Reverse(held.idlest)));
        let Some(heaviest) = heaviest.filter(|held| held.count > own + 1) else { return false };
        let displaced = open.remove(&heaviest.idlest.1);
        let mut all = self.0.displaced.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(displaced);
        true
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

/// What a user has: how many, and the one that was used longest ago.
struct Held {
    count: usize,
    idlest: (UnixTime, Fingerprint),
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
