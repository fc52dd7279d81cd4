//! What users have given to agents, until it ends.
//!
//! Invariant: a delegation is on disk before its token is given away, so that whoever gave it can always find and end it. The token itself
//! is not kept.

use std::path::Path;
use std::sync::Arc;

use hallpass_revocation::{Entry, Index, List, Note, OpenError, Options, WriteError};
use hallpass_token::{Fingerprint, UnixTime, Verified};
use serde_json::{Value, json};

use crate::error::Error;
use crate::token_service::kept_until;

/// How many records are read at a time.
const PAGE: usize = 512;

/// The delegations of all users, in a store of their own. Clones share it.
#[derive(Debug, Clone)]
pub struct Delegations(Arc<List>);

/// One delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) description: String,
    pub(crate) created: UnixTime,
    pub(crate) ends: UnixTime,
    /// The token that it was made from.
    pub(crate) parent: Fingerprint,
}

/// Whose delegations: a user of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Giver(String);

impl Giver {
    /// The user whose own token this is; an agent gives nothing.
    pub(crate) fn of(token: &Verified) -> Result<Self, Error> {
        match (&token.claims().subject, token.root_issuer(), &token.claims().actor) {
            (Some(subject), Some(issuer), None) => {
                Ok(Self(Fingerprint::subject(issuer, subject).to_string()))
            }
            _ => Err(Error::NotTheCallers),
        }
    }
}

impl Delegations {
    /// Opens the store in a folder of its own, or makes one. One that is lost ends no delegation; it can then be ended with the token
    /// that it was made from. Blocks while it reads.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(List::open(folder, options)?)))
    }

    /// The index of the store, which tells up to when delegations were dropped.
    pub fn index(&self) -> Arc<Index> {
        self.0.index()
    }

    /// Drops what has ended. Returns how many.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, WriteError> {
        self.0.sweep(now).await
    }

    /// Keeps a delegation under its token's name.
    pub(crate) async fn keep(
        &self,
        giver: &Giver,
        name: Fingerprint,
        record: &Record,
    ) -> Result<(), Error> {
        let note = Note { reason: record.write(), by: giver.0.clone(), at: record.created };
        let entry = Entry::exact(name, Some(kept_until(record.ends)));
        match self.0.revoke(entry, note).await {
            Ok(_) => Ok(()),
            Err(WriteError::NoteTooLong) => Err(Error::Invalid {
                field: "scopes",
                problem: "must, with actions, agent and description, have at most 900 bytes",
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// The giver's delegations that have not ended, the oldest first, each with its token's name.
    pub(crate) fn of(
        &self,
        giver: &Giver,
        now: UnixTime,
    ) -> Result<Vec<(Fingerprint, Record)>, Error> {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = self.0.page(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.sequence;
            found.extend(page.into_iter().filter_map(|kept| {
                let note = kept.note.filter(|note| note.by == giver.0)?;
                let record = Record::read(&note.reason).filter(|record| record.ends > now)?;
                Some((kept.entry.fingerprint, record))
            }));
        }
    }
}

impl Record {
    fn write(&self) -> String {
        let (created, ends) = (self.created.as_secs(), self.ends.as_secs());
        let parent = self.parent.to_string();
        json!([
            self.id,
            self.agent,
            self.scopes,
            self.actions,
            self.description,
            created,
            ends,
            parent
        ])
        .to_string()
    }

    fn read(text: &str) -> Option<Self> {
        type Row = (String, String, Vec<String>, Vec<String>, String, u64, u64, String);
        let row: Value = serde_json::from_str(text).ok()?;
        let (id, agent, scopes, actions, description, created, ends, parent): Row =
            serde_json::from_value(row).ok()?;
        let [created, ends] = [created, ends].map(UnixTime::from_secs);
        let parent = parent.parse().ok()?;
        Some(Self { id, agent, scopes, actions, description, created, ends, parent })
    }
}
