//! Which action tokens were issued and have not ended, so that their holders and administrators can see them.
//!
//! Invariant: no token is kept, only what it says; of one user and of all so many are kept, the latest, whoever asks for more.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_token::{Fingerprint, UnixTime, Verified};

use crate::error::Error;

/// How many of one user are kept.
const OF_ONE: usize = 100;
/// How many users' are kept.
const USERS: usize = 1000;

/// The action tokens of a Platform since it started. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct IssuedTokens(Arc<Mutex<HashMap<Fingerprint, VecDeque<Arc<Verified>>>>>);

impl IssuedTokens {
    /// Remembers a token of the user that it was issued to. Where there are too many users, those whose tokens have ended make room; a user
    /// beyond that is not listed.
    pub(crate) fn note(&self, token: Verified, now: UnixTime) {
        let Ok(user) = user(&token) else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= USERS && !kept.contains_key(&user) {
            kept.retain(|_, own| own.iter().any(|token| is_live(token, now)));
            if kept.len() >= USERS {
                return;
            }
        }
        let own = kept.entry(user).or_default();
        own.retain(|token| is_live(token, now));
        own.truncate(OF_ONE - 1);
        own.push_front(Arc::new(token));
    }

    /// One user's tokens that have not ended, or everybody's; the latest first.
    pub(crate) fn of(
        &self,
        caller: Option<&Verified>,
        now: UnixTime,
    ) -> Result<Vec<Arc<Verified>>, Error> {
        let own = caller.map(user).transpose()?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = kept.iter().filter(|(user, _)| own.is_none_or(|own| **user == own));
        let live = all.flat_map(|(_, own)| own).filter(|token| is_live(token, now));
        let mut live: Vec<_> = live.cloned().collect();
        live.sort_by_key(|token| std::cmp::Reverse(token.claims().issued_at));
        Ok(live)
    }
}

/// An action token without an end would be listed for ever; none is issued.
fn is_live(token: &Verified, now: UnixTime) -> bool {
    token.expires_at().is_some_and(|end| end > now)
}

/// The user, whoever acts for them: what an agent got is the user's to see.
fn user(token: &Verified) -> Result<Fingerprint, Error> {
    match (&token.claims().subject, token.root_issuer()) {
        (Some(subject), Some(issuer)) => Ok(Fingerprint::subject(issuer, subject)),
        _ => Err(Error::NotTheCallers),
    }
}
