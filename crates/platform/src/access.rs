//! The object check: Labeler knows about datasets, the database about jobs.
//!
//! Invariant: absent and forbidden give the same verdict, and who does not answer gives none.

use hallpass_contract::labeler::CheckPermissionRequest;
use hallpass_contract::{can, storage};
use hallpass_policy::{Denial, ObjectPolicy, Permission, Permit, Unknown, Verdict};
use tonic::Code;

use crate::database::Database;
use crate::ids::JobId;
use crate::labeler::{LabelerClient, LabelerError, Peer};

/// The role of those who may abort everybody's jobs.
const ADMIN: &str = "admin";

/// Platform's object policy.
#[derive(Debug, Clone)]
pub(crate) struct Access<S> {
    database: Database,
    labeler: LabelerClient<S>,
}

impl<S: Peer> Access<S> {
    /// The policy over this database and this Labeler.
    pub(crate) const fn new(database: Database, labeler: LabelerClient<S>) -> Self {
        Self { database, labeler }
    }

    /// An object that Labeler keeps.
    async fn kept(
        &self,
        permit: &Permit,
        permission: &'static str,
        object: CheckPermissionRequest,
    ) -> Result<Verdict, Unknown> {
        match self.labeler.check(permit, object).await {
            Ok(answer) if answer.permissions.iter().any(|held| held == permission) => {
                Ok(judged(permit, &answer.bucket))
            }
            Ok(_) => Ok(Verdict::Refused),
            Err(error) if is_refusal(&error) => Ok(Verdict::Refused),
            Err(error) => {
                tracing::warn!(%error, decision = %permit.decision(), "the object check cannot know");
                Err(Unknown("labeler"))
            }
        }
    }

    /// A job is its owner's alone, but that an administrator may end it.
    async fn job(
        &self,
        permit: &Permit,
        permission: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        let (Some(job), Some(subject)) = (JobId::parse(id), permit.subject()) else {
            return Ok(Verdict::Refused);
        };
        match self.database.owner(&job).await {
            Ok(Some(owner)) if owner == subject => Ok(Verdict::Granted),
            Ok(Some(owner)) if permission == can::AbortJob::NAME && is_admin(permit) => {
                let decision = permit.decision();
                tracing::info!(target: "hallpass::audit", %decision, sub = subject, job_id = id, owner, "abort of another's job");
                Ok(Verdict::Granted)
            }
            Ok(_) => Ok(Verdict::Refused),
            Err(error) => {
                tracing::error!(%error, "the object check cannot know");
                Err(Unknown("the database"))
            }
        }
    }
}

impl<S: Peer> ObjectPolicy for Access<S> {
    async fn check(
        &self,
        permit: &Permit,
        kind: &'static str,
        permission: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        let (id_of, nothing) = (id.to_owned(), CheckPermissionRequest::default);
        match kind {
            can::ReadDataset::KIND => {
                let object = CheckPermissionRequest { dataset_id: id_of, ..nothing() };
                self.kept(permit, permission, object).await
            }
            can::ReadSnapshot::KIND => {
                let object = CheckPermissionRequest { snapshot_id: id_of, ..nothing() };
                self.kept(permit, permission, object).await
            }
            can::ReadUpload::KIND => {
                let object = CheckPermissionRequest { upload_id: id_of, ..nothing() };
                self.kept(permit, permission, object).await
            }
            can::ReadJob::KIND => self.job(permit, permission, id).await,
            _ => Ok(Verdict::Refused),
        }
    }
}

/// What the object check granted, as far as the caller's storage grants go with it. What is asked next is asked with them narrowed to
/// the object's bucket.
fn judged(permit: &Permit, bucket: &str) -> Verdict {
    match storage::check(permit, bucket) {
        Ok(()) => Verdict::GrantedIn(bucket.to_owned()),
        Err(Denial::StorageNotGranted(operation)) => {
            Verdict::StorageNotGranted { operation, bucket: bucket.to_owned() }
        }
        Err(_) => Verdict::Refused,
    }
}

/// Whether Labeler says no, or that there can be no such dataset. A token that ended in between is no verdict: who asks again learns
/// what became of it.
fn is_refusal(error: &LabelerError) -> bool {
    match error {
        LabelerError::Refused(refusal) => matches!(refusal.denial, Denial::ObjectRefused { .. }),
        LabelerError::Told(status) => {
            matches!(status.code(), Code::InvalidArgument | Code::NotFound)
        }
        LabelerError::Unreachable
        | LabelerError::TooLate
        | LabelerError::Changed
        | LabelerError::Broken { .. }
        | LabelerError::Empty(_) => false,
    }
}

/// Whether the caller's issuer says that they look after this mesh.
fn is_admin(permit: &Permit) -> bool {
    let roles = permit.token().map(|token| token.claims().roles.as_slice());
    roles.unwrap_or_default().iter().any(|role| role == ADMIN)
}
