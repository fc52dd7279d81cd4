//! The store of datasets.
//!
//! Invariant: public methods that reach a dataset take the proof that its holder may, never a bare id. `CheckPermission` alone asks
//! by id, as whether it may is the question itself.

use std::fmt;
use std::sync::{Arc, OnceLock};

use hallpass_policy::{Denial, Granted, Permission, Permit};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Now;
use crate::database::{Database, Object, Opened, Several, same_wish};
use crate::datasets::permissions::audit;
use crate::download::signature::UrlKey;
use crate::error::Error;
use crate::files::Files;
use crate::model::access::{Kind, Role};
use crate::model::dataset::Dataset;
use crate::model::ids::DatasetId;
use crate::model::spec::Spec;
use crate::page::PageKey;
use crate::settings::Settings;
use crate::uploads::memory::UploadMemory;
use crate::uploads::store::{Open, Purpose, maker};
use crate::uploads::stream::Upload;
use crate::uploads::target::Claims;
use crate::uploads::turns::Turns;
use hallpass_contract::can::{DeleteDataset, ReadDataset};

/// The most that one answer's datasets may weigh: gRPC clients take messages of at most 4 MiB unless told otherwise.
pub(crate) const HEAVIEST_ANSWER: usize = 3 << 20;

/// Datasets, their files and who may use them.
pub(crate) struct Datasets {
    pub(crate) database: Database,
    pub(crate) files: Files,
    pub(crate) settings: Arc<Settings>,
    pub(crate) now: Now,
    pub(crate) pages: PageKey,
    /// Signs URLs of files in the data folder.
    pub(crate) url_key: UrlKey,
    /// Where this process answers, once it does.
    pub(crate) address: OnceLock<String>,
    pub(crate) tasks: TaskTracker,
    pub(crate) claims: Claims,
    pub(crate) memory: Arc<UploadMemory>,
    /// Who reads uploads through to make datasets of them.
    pub(crate) reading: Turns,
    /// Who reads folders of the server.
    pub(crate) walking: Turns,
}

/// How an upload goes on.
#[derive(Debug)]
pub(crate) enum Begun {
    /// The same request had made this dataset before.
    Already(Box<Dataset>),
    /// The files may come.
    Upload(Upload<Dataset>),
}

impl Datasets {
    /// Begins an upload by the permit's user, who will own the dataset.
    pub(crate) async fn create(
        self: &Arc<Self>,
        permit: &Permit,
        spec: Spec,
    ) -> Result<Begun, Error> {
        let owner = maker(permit, &spec, &self.settings).map_err(|error| error.within("start"))?;
        if let Some(request) = spec.request()
            && let Some((fingerprint, dataset)) = self.database.requested(owner, request).await?
        {
            return same_wish(&spec, &fingerprint, Begun::Already(Box::new(dataset)));
        }
        match self.open(owner, Purpose::New { spec: &spec, one_call: true }).await? {
            Opened::Open(row) => Ok(Begun::Upload(Upload::into_dataset(self, Open { row }, spec))),
            Opened::Made(dataset) => Ok(Begun::Already(dataset)),
            Opened::Refused => Err(refused(permit, ReadDataset::KIND, "create")),
        }
    }

    /// One dataset.
    pub(crate) async fn get(&self, proof: &Granted<ReadDataset>) -> Result<Dataset, Error> {
        let found = self.database.dataset(&id_of(proof)?).await?;
        found.ok_or_else(|| gone(proof))
    }

    /// Several datasets, in the order of their proofs.
    pub(crate) async fn get_each(
        &self,
        proofs: &[Granted<ReadDataset>],
    ) -> Result<Vec<Dataset>, Error> {
        let ids = proofs.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
        match self.database.datasets(&ids, HEAVIEST_ANSWER).await? {
            Several::All(found) => Ok(found),
            Several::TooHeavy => Err(Error::AnswerTooBig),
            Several::Absent(absent) => {
                let proof = proofs.iter().find(|proof| proof.id() == absent.as_str());
                Err(proof.map_or(Error::GoneMidway(Kind::Dataset), gone))
            }
        }
    }

    /// What the permit's user may be in an object; `None` if nothing, or if there is none.
    pub(crate) async fn role(
        &self,
        permit: &Permit,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Role>, Error> {
        let subject = permit.subject().ok_or(Error::NoUser)?;
        match Object::parse(kind, id) {
            Some(object) if permit.is_for(kind.name(), id) => {
                Ok(self.database.role(&object, subject, (self.now)()).await?)
            }
            _ => Ok(None),
        }
    }

    /// Deletes a dataset if it has this etag, or whatever it has if the etag is empty.
    ///
    /// The rows go first: files without rows are nobody's and are swept at the next start, should this process die.
    pub(crate) async fn delete(
        &self,
        proof: &Granted<DeleteDataset>,
        etag: &str,
    ) -> Result<(), Error> {
        let id = id_of(proof)?;
        if !self.database.delete(&id, subject_of(proof.permit())?, etag).await? {
            return Err(gone(proof));
        }
        audit(proof, "delete");
        let files = self.files.clone();
        let removed = async move {
            if let Err(error) = files.remove(&id).await {
                tracing::warn!(dataset_id = %id, %error, "files of a deleted dataset stay until the next start");
            }
        };
        // A task: a caller that goes away does not stop it.
        self.tasks.spawn(removed.in_current_span()).await.map_err(|_| Error::TaskLost)
    }
}

impl fmt::Debug for Datasets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datasets").field("files", &self.files).finish_non_exhaustive()
    }
}

/// The proof's id in the store's form. A proof that the store's own policy gave always has one.
pub(crate) fn id_of<P: Permission>(proof: &Granted<P>) -> Result<DatasetId, Error> {
    DatasetId::parse(proof.id()).ok_or_else(|| gone(proof))
}

/// The user in whose name a call is made.
pub(crate) fn subject_of(permit: &Permit) -> Result<&str, Error> {
    permit.subject().ok_or(Error::NoUser)
}

/// The dataset was deleted since the check, or the permission is gone: the same refusal as if it had never been.
pub(crate) fn gone<P: Permission>(proof: &Granted<P>) -> Error {
    refused(proof.permit(), P::KIND, P::NAME)
}

/// The refusal of the object check.
pub(crate) fn refused(permit: &Permit, kind: &'static str, permission: &'static str) -> Error {
    let denial = Denial::ObjectRefused { kind, permission };
    Error::Refused(permit.refuse(denial))
}
