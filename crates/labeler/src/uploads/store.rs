//! Uploads: opened, looked at, written into and dropped.
//!
//! Invariant: an upload is reached by its proof alone, and a token that is for one object opens none.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use hallpass_contract::can::{ReadDataset, ReadUpload, WriteDataset, WriteUpload};
use hallpass_contract::storage;
use hallpass_formats::Shape;
use hallpass_policy::{Granted, Permission, Permit, Seen, Visible};
use hallpass_token::UnixTime;

use crate::database::{NewUpload, Opened, ReceivedFile, UploadRow};
use crate::datasets::store::{Datasets, gone, id_of, refused, subject_of};
use crate::error::Error;
use crate::model::dataset::Dataset;
use crate::model::ids::{DatasetId, RequestId, UploadId, random};
use crate::model::spec::{Spec, digest};
use crate::page::PageRequest;
use crate::settings::Settings;
use crate::uploads::stream::Upload;
use crate::uploads::target::{Receiver, bounds};
use crate::uploads::wire;
use crate::uploads::writer::Tally;

/// An upload that is open, to be written into.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) row: UploadRow,
}

impl Open {
    /// Where its files go. Names are checked against each other where one stream brings them all.
    pub(crate) fn receiver(&self, datasets: &Datasets, whole: bool) -> Receiver {
        let names = whole.then(|| Shape::new(bounds(&datasets.settings)));
        Receiver {
            database: datasets.database.clone(),
            files: datasets.files.clone(),
            settings: Arc::clone(&datasets.settings),
            now: Arc::clone(&datasets.now),
            claims: Arc::clone(&datasets.claims),
            memory: Arc::clone(&datasets.memory),
            owner: self.row.owner.clone(),
            upload: self.row.number,
            dataset_id: self.row.dataset_id.clone(),
            names,
        }
    }
}

/// What a new upload is for.
#[derive(Debug)]
pub(crate) enum Purpose<'a> {
    /// A dataset that is made, by one call or in several.
    New {
        /// What it is to be.
        spec: &'a Spec,
        /// Whether one call opens, fills and ends the upload.
        one_call: bool,
    },
    /// A change of a dataset.
    Revision {
        /// The dataset.
        of: DatasetId,
        /// What makes the call idempotent.
        request: Option<&'a RequestId>,
    },
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct PageOf<T> {
    pub(crate) found: Vec<T>,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

impl Datasets {
    /// Opens an upload for a new dataset, whose owner the permit's user will be.
    pub(crate) async fn open_new(&self, permit: &Permit, spec: &Spec) -> Result<Opened, Error> {
        let owner = maker(permit, spec, &self.settings)?;
        self.open(owner, Purpose::New { spec, one_call: false }).await
    }

    /// Opens an upload that changes a dataset.
    pub(crate) async fn open_revision(
        &self,
        proof: &Granted<WriteDataset>,
        request: Option<&RequestId>,
    ) -> Result<UploadRow, Error> {
        let owner = subject_of(proof.permit())?;
        match self.open(owner, Purpose::Revision { of: id_of(proof)?, request }).await? {
            Opened::Open(row) => Ok(row),
            Opened::Made(_) | Opened::Refused => Err(gone(proof)),
        }
    }

    /// Opens an upload.
    pub(crate) async fn open(&self, owner: &str, purpose: Purpose<'_>) -> Result<Opened, Error> {
        self.files.have_room()?;
        let now = (self.now)();
        let expires = now.as_secs().saturating_add(self.settings.upload_lifetime.as_secs());
        let expires = UnixTime::from_secs(expires);
        let (id, most_open) = (UploadId::from_random(random()?), self.settings.max_open_uploads);
        let new = match purpose {
            Purpose::New { spec, one_call } => NewUpload {
                id,
                dataset_id: DatasetId::from_random(random()?),
                owner,
                revision: false,
                one_call,
                spec: wire::stored_spec(spec),
                request: spec.request(),
                fingerprint: spec.fingerprint(),
                now,
                expires,
                most_open,
                quota: self.settings.quota,
            },
            Purpose::Revision { of, request } => NewUpload {
                id,
                fingerprint: revision_of(&of),
                dataset_id: of,
                owner,
                revision: true,
                one_call: false,
                spec: Vec::new(),
                request,
                now,
                expires,
                most_open,
                quota: self.settings.quota,
            },
        };
        self.database.open_upload(&new).await
    }

    /// One upload.
    pub(crate) async fn upload(&self, proof: &Granted<ReadUpload>) -> Result<UploadRow, Error> {
        self.opened(proof).await
    }

    /// One page of the open uploads of the proof's holder, newest first.
    pub(crate) async fn uploads(
        &self,
        visible: &Visible<ReadUpload>,
        page: PageRequest,
    ) -> Result<Seen<PageOf<UploadRow>>, Error> {
        if storage::check(visible.permit(), self.settings.bucket()).is_err() {
            return visible
                .look(|_| async {
                    Ok(PageOf { found: Vec::new(), next_page_token: String::new() })
                })
                .await;
        }
        visible.look(|subject| self.page_of_uploads(subject, page)).await
    }

    async fn page_of_uploads(
        &self,
        subject: &str,
        page: PageRequest,
    ) -> Result<PageOf<UploadRow>, Error> {
        let query = ["ListUploads", subject];
        let behind = match page.token.as_str() {
            "" => i64::MAX,
            token => self.pages.open_number(&query, token).ok_or_else(wrong_page)?,
        };
        let now = (self.now)();
        let (found, next) = self.database.uploads_of(subject, behind, page.size, now).await?;
        let next = next.map(|next| self.pages.seal_number(&query, next)).transpose();
        let next_page_token = next.map_err(|_| Error::Chance)?.unwrap_or_default();
        Ok(PageOf { found, next_page_token })
    }

    /// One page of what an upload has received.
    pub(crate) async fn upload_files(
        &self,
        proof: &Granted<ReadUpload>,
        page: PageRequest,
    ) -> Result<PageOf<ReceivedFile>, Error> {
        let upload = self.opened(proof).await?;
        let query = ["ListUploadFiles", subject_of(proof.permit())?, upload.id.as_str()];
        let behind = match page.token.as_str() {
            "" => Some(String::new()),
            token => self.pages.open(&query, token).and_then(|text| String::from_utf8(text).ok()),
        };
        let behind = behind.ok_or_else(wrong_page)?;
        let most = page.size as usize;
        let mut found =
            self.database.received_behind(upload.number, &behind, page.size + 1).await?;
        let more = found.len() > most;
        found.truncate(most);
        let next_page_token = match found.last() {
            Some(last) if more => {
                self.pages.seal(&query, last.path.as_bytes()).map_err(|_| Error::Chance)?
            }
            _ => String::new(),
        };
        Ok(PageOf { found, next_page_token })
    }

    /// Files may come into an upload.
    pub(crate) async fn write(&self, proof: &Granted<WriteUpload>) -> Result<Upload<Tally>, Error> {
        let open = Open { row: self.opened(proof).await? };
        Ok(Upload::into_open(self, open.receiver(self, false)))
    }

    /// Drops an upload.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        proof: &Granted<WriteUpload>,
    ) -> Result<(), Error> {
        let upload = self.opened(proof).await?;
        if !self.database.drop_upload(&upload.id).await? {
            return Err(gone(proof));
        }
        self.tidy_behind(&upload.dataset_id).await
    }

    /// The upload of a proof, if it is still open.
    async fn opened<P: Permission>(&self, proof: &Granted<P>) -> Result<UploadRow, Error> {
        let id = UploadId::parse(proof.id()).ok_or_else(|| gone(proof))?;
        let found = self.database.open_one(&id, (self.now)()).await?;
        found.ok_or_else(|| gone(proof))
    }
}

/// The user who makes a dataset.
pub(crate) fn maker<'p>(
    permit: &'p Permit,
    spec: &Spec,
    settings: &Settings,
) -> Result<&'p str, Error> {
    let owner = subject_of(permit)?;
    let bucket = settings.bucket();
    storage::check(permit, bucket)
        .map_err(|denial| Error::Refused(permit.clone().within_bucket(bucket).refuse(denial)))?;
    // A token that is for one object makes no others.
    if permit.claimed().is_some() {
        return Err(refused(permit, ReadDataset::KIND, "create"));
    }
    if spec.shares().iter().any(|share| share.subject == owner) {
        return Err(Error::invalid("shares", "must not name the owner").within("dataset"));
    }
    Ok(owner)
}

/// The fingerprint of the wish to change a dataset: unlike that of any new one.
fn revision_of(id: &DatasetId) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(b"revision of ");
    hash.update(id.as_str().as_bytes());
    digest(hash)
}

fn wrong_page() -> Error {
    Error::invalid("page_token", "must come from the page before, of the same list")
}

/// What a call answers that may have been made before.
pub(crate) fn made(
    opened: Opened,
    permit: &Permit,
) -> Result<(Option<UploadRow>, Option<Dataset>), Error> {
    match opened {
        Opened::Open(row) => Ok((Some(row), None)),
        Opened::Made(dataset) => Ok((None, Some(*dataset))),
        Opened::Refused => Err(refused(permit, ReadDataset::KIND, "create")),
    }
}
