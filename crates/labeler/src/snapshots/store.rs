//! What can be done with snapshots.
//!
//! Invariant: each method takes the proof that its caller may, and what is made or deleted is on record.

use std::sync::Arc;

use hallpass_contract::can::{DeleteSnapshot, ReadDataset, ReadSnapshot, WriteDataset};
use hallpass_policy::{Granted, Permission};
use tracing::Instrument;

use crate::database::NewSnapshot;
use crate::datasets::store::{Datasets, HEAVIEST_ANSWER, gone, id_of, subject_of};
use crate::error::Error;
use crate::model::ids::{RequestId, SnapshotId, random};
use crate::model::snapshot::{Difference, Snapshot, SnapshotFile};
use crate::model::spec;
use crate::page::PageRequest;
use crate::splits::items::fit;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Paged<T> {
    /// What it holds.
    pub(crate) found: Vec<T>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

/// A snapshot as a client wishes for it.
#[derive(Debug)]
pub(crate) struct SnapshotWish {
    /// A name for people.
    pub(crate) display_name: String,
    /// What makes the call idempotent.
    pub(crate) request: Option<RequestId>,
    /// The etag that the dataset must have; empty for any.
    pub(crate) etag: String,
}

impl Datasets {
    /// Keeps a dataset as it is.
    pub(crate) async fn create_snapshot(
        &self,
        proof: &Granted<WriteDataset>,
        wish: &SnapshotWish,
    ) -> Result<Snapshot, Error> {
        self.files.have_room()?;
        let (dataset, id) = (id_of(proof)?, SnapshotId::from_random(random()?));
        let new = NewSnapshot {
            dataset: &dataset,
            by: subject_of(proof.permit())?,
            expected: &wish.etag,
            id: &id,
            display_name: &wish.display_name,
            request: wish.request.as_ref(),
            fingerprint: spec::fingerprint(&[dataset.as_str(), &wish.display_name]),
            now: (Arc::clone(&self.now))(),
            quota: self.settings.quota,
        };
        let snapshot = self.database.create_snapshot(&new).await?.ok_or_else(|| gone(proof))?;
        if snapshot.id == id {
            audit(proof, &id, "create snapshot");
        }
        Ok(snapshot)
    }

    /// One snapshot.
    pub(crate) async fn snapshot(&self, proof: &Granted<ReadSnapshot>) -> Result<Snapshot, Error> {
        let found = self.database.snapshot(&snapshot_of(proof)?).await?;
        found.ok_or_else(|| gone(proof))
    }

    /// One page of a dataset's snapshots.
    pub(crate) async fn snapshots(
        &self,
        proof: &Granted<ReadDataset>,
        page: PageRequest,
    ) -> Result<Paged<Snapshot>, Error> {
        let id = id_of(proof)?;
        let query = ["ListSnapshots", proof.permit().subject().unwrap_or_default(), id.as_str()];
        let before = match page.token.as_str() {
            "" => Some(i64::MAX),
            token => self.pages.open_number(&query, token),
        };
        let problem = "must come from the page before, of the same dataset";
        let before = before.ok_or_else(|| Error::invalid("page_token", problem))?;
        let found = self.database.snapshots(&id, before, page.size + 1, HEAVIEST_ANSWER).await?;
        let mut found = found.ok_or_else(|| gone(proof))?;
        let more = fit(&mut found, page.size, |(_, snapshot)| snapshot.weight());
        let next_page_token = match found.last() {
            Some((number, _)) if more => {
                self.pages.seal_number(&query, *number).map_err(|_| Error::Chance)?
            }
            _ => String::new(),
        };
        let found = found.into_iter().map(|(_, snapshot)| snapshot).collect();
        Ok(Paged { found, next_page_token })
    }

    /// One page of a snapshot's manifest.
    pub(crate) async fn snapshot_files(
        &self,
        proof: &Granted<ReadSnapshot>,
        page: PageRequest,
    ) -> Result<Paged<SnapshotFile>, Error> {
        let id = snapshot_of(proof)?;
        let subject = proof.permit().subject().unwrap_or_default();
        let query = ["ListSnapshotFiles", subject, id.as_str()];
        let behind = self.open_path(&query, &page.token)?;
        let mut found = self.database.snapshot_files(&id, &behind, page.size + 1).await?;
        if found.is_empty() && self.database.snapshot(&id).await?.is_none() {
            return Err(gone(proof));
        }
        let more = fit(&mut found, page.size, |file| file.row.path.len() + 64);
        let last = found.last().filter(|_| more).map(|file| file.row.path.as_str());
        let next_page_token = self.seal_path(&query, last)?;
        Ok(Paged { found, next_page_token })
    }

    /// One page of how two snapshots differ.
    pub(crate) async fn differences(
        &self,
        base: &Granted<ReadSnapshot>,
        other: &Granted<ReadSnapshot>,
        page: PageRequest,
    ) -> Result<Paged<Difference>, Error> {
        let (from, to) = (snapshot_of(base)?, snapshot_of(other)?);
        let subject = other.permit().subject().unwrap_or_default();
        let query = ["DiffSnapshots", subject, from.as_str(), to.as_str()];
        let behind = self.open_path(&query, &page.token)?;
        let found = self.database.differences(&from, &to, &behind, page.size + 1).await?;
        let mut found = found.ok_or_else(|| gone(other))?;
        let more = fit(&mut found, page.size, |difference| 3 * difference.path.len() + 160);
        let last = found.last().filter(|_| more).map(|difference| difference.path.as_str());
        let next_page_token = self.seal_path(&query, last)?;
        Ok(Paged { found, next_page_token })
    }

    /// Deletes a snapshot and the objects that nothing needs any more.
    ///
    /// The rows go first: objects without rows are nobody's and are swept, should this process die.
    pub(crate) async fn delete_snapshot(
        &self,
        proof: &Granted<DeleteSnapshot>,
    ) -> Result<(), Error> {
        let id = snapshot_of(proof)?;
        let deleted = self.database.delete_snapshot(&id, subject_of(proof.permit())?).await?;
        let deleted = deleted.ok_or_else(|| gone(proof))?;
        audit(proof, &id, "delete snapshot");
        let files = self.files.clone();
        let removed = async move {
            for number in deleted.objects {
                if let Err(error) = files.remove_file(&deleted.dataset, number).await {
                    tracing::warn!(snapshot_id = %id, %error, "files of a deleted snapshot stay until they are swept");
                    break;
                }
            }
        };
        // A task: a caller that goes away does not stop it.
        self.tasks.spawn(removed.in_current_span()).await.map_err(|_| Error::TaskLost)
    }
}

/// The proof's id in the store's form. A proof that the store's own policy gave always has one.
pub(crate) fn snapshot_of<P: Permission>(proof: &Granted<P>) -> Result<SnapshotId, Error> {
    SnapshotId::parse(proof.id()).ok_or_else(|| gone(proof))
}

fn audit<P: Permission>(proof: &Granted<P>, id: &SnapshotId, change: &'static str) {
    let permit = proof.permit();
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        service = permit.service(),
        sub = permit.subject(),
        of = proof.id(),
        snapshot_id = %id,
        change,
        "a snapshot was made or deleted",
    );
}
