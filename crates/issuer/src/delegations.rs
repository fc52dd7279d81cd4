//! What users have given to agents, until it ends.
//!
//! Invariant: a delegation is on disk before its token is given away, so that whoever gave it can always find and end it. The token itself
//! is not kept. What is on disk is in memory, too, by user: no call reads the disk, and none looks at another user's. At no moment has a user,
//! or the store, more than it may.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hallpass_revocation::{Entry, Index, List, Note, OpenError, Options, ReadError, WriteError};
use hallpass_token::{Chain, Fingerprint, UnixTime, Verified};
use serde_json::{Value, json};

use crate::error::Error;
use crate::token_service::kept_until;

/// How many delegations a user may have at once, revoked ones aside.
const OF_ONE: usize = 100;
/// How many the store holds.
const AT_MOST: usize = 20_000;
/// Once the store is half full, who has this many gets no more: the other half is for those who have few.
const FEW: usize = 10;
/// How many records are read at a time, when the store is opened.
const PAGE: usize = 512;
/// The longest record, in bytes.
const RECORD_BYTES: usize = 4_096;
/// The most bytes of what a user says of a delegation.
const LONGEST: usize = 900;

/// The delegations of all users, in a store of their own. Clones share it.
#[derive(Debug, Clone)]
pub struct Delegations(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    list: List,
    kept: Mutex<Kept>,
}

/// What is on disk, by user.
#[derive(Debug, Default)]
struct Kept {
    of: HashMap<Giver, Own>,
    count: usize,
}

/// One user's.
#[derive(Debug, Default)]
struct Own {
    /// The oldest first.
    records: Vec<Arc<Record>>,
    /// Those that are being made.
    making: usize,
}

/// One delegation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// What its token is revoked by.
    pub(crate) name: Fingerprint,
    pub(crate) id: String,
    pub(crate) agent: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) description: String,
    pub(crate) created: UnixTime,
    pub(crate) ends: UnixTime,
    /// What else revokes its token: all it descends from, its session and keys, its user.
    pub(crate) chain: Chain,
}

/// Whose delegations: a user of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

#[cfg(test)]
impl Giver {
    /// Somebody else, for tests of many.
    pub(crate) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.0);
    }
}

/// The place of a delegation that is being made. It is given back with this value, unless it is kept.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    store: &'a Delegations,
    giver: Giver,
}

impl Delegations {
    /// Opens the store in a folder of its own, or makes one. One that is lost ends no delegation; it can then be ended with the token
    /// that it was made from. Blocks while it reads.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, DelegationsError> {
        let mut options = options.clone();
        options.note_bytes = RECORD_BYTES;
        let list = List::open(folder, &options)?;
        let kept = Mutex::new(read(&list)?);
        Ok(Self(Arc::new(Shared { list, kept })))
    }

    /// The index of the store, which tells up to when delegations were dropped.
    pub fn index(&self) -> Arc<Index> {
        self.0.list.index()
    }

    /// Drops what has ended. Returns how many.
    pub async fn sweep(&self, now: UnixTime) -> Result<u64, WriteError> {
        self.kept().drop_ended(now);
        self.0.list.sweep(now).await
    }

    /// Takes a place for a delegation, if the giver may have one more. `is_revoked` says which of theirs take none.
    pub(crate) fn admit(
        &self,
        giver: Giver,
        now: UnixTime,
        is_revoked: impl Fn(&Record) -> bool,
    ) -> Result<Place<'_>, Error> {
        let mut kept = self.kept();
        if kept.count >= AT_MOST {
            kept.drop_ended(now);
        }
        let count = kept.count;
        let own = kept.of.entry(giver.clone()).or_default();
        let live = |record: &&Arc<Record>| record.ends > now && !is_revoked(record);
        let held = own.records.iter().filter(live).count() + own.making;
        let problem = if held >= OF_ONE || own.records.len() + own.making >= 2 * OF_ONE {
            Some("delegations at once; end one first, or wait until one has ended")
        } else if count >= AT_MOST || (count >= AT_MOST / 2 && held >= FEW) {
            Some("delegations on this Platform; end one first, or try again later")
        } else {
            None
        };
        if let Some(problem) = problem {
            kept.forget_nobody(&giver);
            return Err(Error::TooMany(problem));
        }
        own.making += 1;
        kept.count += 1;
        Ok(Place { store: self, giver })
    }

    /// The giver's delegations that have not ended, the oldest first.
    pub(crate) fn of(&self, giver: &Giver, now: UnixTime) -> Vec<Arc<Record>> {
        let kept = self.kept();
        let own = kept.of.get(giver).map(|own| own.records.iter()).into_iter().flatten();
        own.filter(|record| record.ends > now).map(Arc::clone).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Makes the delegation durable.
    pub(crate) async fn keep(self, record: Record) -> Result<Arc<Record>, Error> {
        let words = [&record.agent, &record.description].into_iter();
        let words = words.chain(&record.scopes).chain(&record.actions);
        if words.map(String::len).sum::<usize>() > LONGEST {
            return Err(Error::Invalid {
                field: "scopes",
                problem: "must, with actions, agent and description, have at most 900 bytes",
            });
        }
        let note = Note { reason: record.write(), by: self.giver.0.clone(), at: record.created };
        let entry = Entry::exact(record.name, Some(kept_until(record.ends)));
        self.store.0.list.revoke(entry, note).await?;
        let record = Arc::new(record);
        let mut kept = self.store.kept();
        kept.count += 1;
        kept.of.entry(self.giver.clone()).or_default().records.push(Arc::clone(&record));
        drop(kept);
        Ok(record)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut kept = self.store.kept();
        kept.count = kept.count.saturating_sub(1);
        if let Some(own) = kept.of.get_mut(&self.giver) {
            own.making = own.making.saturating_sub(1);
        }
        kept.forget_nobody(&self.giver);
    }
}

impl Kept {
    fn drop_ended(&mut self, now: UnixTime) {
        let mut count = 0;
        self.of.retain(|_, own| {
            own.records.retain(|record| record.ends > now);
            count += own.records.len() + own.making;
            !own.is_nothing()
        });
        self.count = count;
    }

    /// Who has nothing takes no room.
    fn forget_nobody(&mut self, giver: &Giver) {
        if self.of.get(giver).is_some_and(Own::is_nothing) {
            self.of.remove(giver);
        }
    }
}

impl Own {
    const fn is_nothing(&self) -> bool {
        self.records.is_empty() && self.making == 0
    }
}

/// The store of delegations cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DelegationsError {
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Everything that the store holds.
fn read(store: &List) -> Result<Kept, ReadError> {
    let (mut kept, mut after) = (Kept::default(), 0);
    loop {
        let page = store.page(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(kept) };
        after = last.sequence;
        for listed in page {
            let Some(note) = listed.note else { continue };
            if let Some(record) = Record::read(&note, listed.entry.fingerprint) {
                kept.of.entry(Giver(note.by)).or_default().records.push(Arc::new(record));
                kept.count += 1;
            }
        }
    }
}

impl Record {
    fn write(&self) -> String {
        let (created, ends) = (self.created.as_secs(), self.ends.as_secs());
        let prints = |prints: &[Fingerprint]| -> Vec<String> {
            prints.iter().map(ToString::to_string).collect()
        };
        json!([
            self.id,
            self.agent,
            self.scopes,
            self.actions,
            self.description,
            created,
            ends,
            prints(&self.chain.lookups),
            prints(&self.chain.cutoffs),
            self.chain.root_issued_at.as_secs(),
        ])
        .to_string()
    }

    /// Records of earlier versions name the parent alone. Of those it is not known when the chain began; it was not after they were made.
    fn read(note: &Note, name: Fingerprint) -> Option<Self> {
        type Row = (String, String, Vec<String>, Vec<String>, String, u64, u64, Value);
        let mut row: Vec<Value> = serde_json::from_str(&note.reason).ok()?;
        let rest = row.split_off(row.len().min(8));
        let (id, agent, scopes, actions, description, created, ends, names): Row =
            serde_json::from_value(Value::Array(row)).ok()?;
        let [created, ends] = [created, ends].map(UnixTime::from_secs);
        let chain = match rest.as_slice() {
            [cutoffs, root_issued_at] => Chain {
                lookups: prints(&names)?,
                cutoffs: prints(cutoffs)?,
                root_issued_at: UnixTime::from_secs(root_issued_at.as_u64()?),
            },
            _ => Chain {
                lookups: vec![name, names.as_str()?.parse().ok()?],
                cutoffs: vec![note.by.parse().ok()?],
                root_issued_at: created,
            },
        };
        Some(Self { name, id, agent, scopes, actions, description, created, ends, chain })
    }
}

fn prints(of: &Value) -> Option<Vec<Fingerprint>> {
    of.as_array()?.iter().map(|print| print.as_str()?.parse().ok()).collect()
}
