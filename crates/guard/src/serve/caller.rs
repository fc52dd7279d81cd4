//! Who makes a call: the tokens and the session that it came with, and what is known of them at any later instant.

use std::net::IpAddr;
use std::sync::Arc;

use hallpass_policy::{Credential, Facts, ListState, Rule};
use hallpass_revocation::Session;

use crate::serve::Guard;
use crate::serve::cache::Known;
use crate::serve::limits::{self, PeerAddress};

/// What a call came with, for the decision, for every later look at it and for the log.
#[derive(Clone, Default)]
pub(super) struct Caller {
    /// Where it comes from.
    pub(super) client: Option<PeerAddress>,
    pub(super) bearer: Option<Arc<Known>>,
    pub(super) action: Option<Arc<Known>>,
    /// Whether the action token does not verify, or not now.
    pub(super) action_refused: bool,
    /// The session whose handle was sent in place of the bearer's token.
    pub(super) session: Option<Arc<Session>>,
    /// The SHA-256 of the certificate that the client showed.
    pub(super) certificate: Option<[u8; 32]>,
}

impl Caller {
    /// The address that it counts for.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.client.map(|client| limits::network(client.0))
    }

    /// What is known now, by this guard's list, keys and sessions.
    pub(super) fn facts<'a>(&'a self, rule: &'static Rule, guard: &Guard) -> Facts<'a> {
        // Freshness before the index: in the other order, what arrives in between is missed by a node that counts as fresh.
        let fresh = guard.freshness.is_fresh(guard.clock.boot());
        let list = if fresh { ListState::Fresh } else { ListState::Stale };
        let credential = |known: &'a Arc<Known>| Credential {
            token: &known.token,
            revoked: known.is_revoked(&guard.index),
            key: known.key_entry(&guard.keys),
            session_ended: None,
        };
        let bearer = self.bearer.as_ref().map(|known| Credential {
            session_ended: self.session.as_deref().and_then(|session| guard.ended(session)),
            ..credential(known)
        });
        Facts {
            rule,
            bearer,
            action: self.action.as_ref().map(credential),
            list,
            client_certificate: self.certificate,
        }
    }
}
