//! The object check: who may do what to which dataset, snapshot and upload.
//!
//! Invariant: absent and forbidden give the same verdict, and a database that does not answer gives none.

use std::sync::Arc;

use hallpass_contract::storage;
use hallpass_policy::{Denial, ObjectPolicy, Permit, Unknown, Verdict};
use hallpass_token::{Profile, TokenType};

use crate::database::Object;
use crate::datasets::store::Datasets;
use crate::model::access::Kind;

/// Labeler's object policy.
#[derive(Debug, Clone)]
pub(crate) struct DatasetPolicy(Arc<Datasets>);

impl DatasetPolicy {
    /// The policy over this store.
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl ObjectPolicy for DatasetPolicy {
    async fn check(
        &self,
        permit: &Permit,
        kind: &'static str,
        permission: &'static str,
        id: &str,
    ) -> Result<Verdict, Unknown> {
        let kind = Kind::named(kind);
        let Some((kind, object)) = kind.and_then(|kind| Some((kind, Object::parse(kind, id)?)))
        else {
            return Ok(Verdict::Refused);
        };
        let allowed = match asked_of(permit, kind) {
            AskedOf::User(subject) => {
                let role = self.0.database.role(&object, subject, (self.0.now)()).await;
                role.map(|role| role.is_some_and(|role| kind.permits(role, permission)))
            }
            AskedOf::Nobody => {
                audit(permit, kind, permission, id);
                self.0.database.has(&object).await
            }
            AskedOf::Refused => Ok(false),
        };
        match allowed {
            Ok(true) => Ok(judged(permit, self.0.settings.bucket())),
            Ok(false) => Ok(Verdict::Refused),
            Err(error) => {
                tracing::error!(%error, "the object check cannot know");
                Err(Unknown("the database"))
            }
        }
    }
}

/// What the object check granted, as far as the caller's storage grants go with it.
fn judged(permit: &Permit, bucket: &str) -> Verdict {
    match storage::check(permit, bucket) {
        Ok(()) => Verdict::Granted,
        Err(Denial::StorageNotGranted(operation)) => {
            Verdict::StorageNotGranted { operation, bucket: bucket.to_owned() }
        }
        Err(_) => Verdict::Refused,
    }
}

/// Whose permission a call needs.
enum AskedOf<'a> {
    /// The caller's, or that of the job's owner: a job may do what its owner may do at this moment, and no more.
    User(&'a str),
    /// Work that names no user.
    Nobody,
    /// The call cannot be for this object.
    Refused,
}

fn asked_of(permit: &Permit, kind: Kind) -> AskedOf<'_> {
    if let Some(subject) = permit.subject() {
        return AskedOf::User(subject);
    }
    if kind == Kind::Upload || !is_bound_work(permit) {
        return AskedOf::Refused;
    }
    permit.job_owner().map_or(AskedOf::Nobody, AskedOf::User)
}

/// A background token opens the one dataset or snapshot that it names; an upload is somebody's, so it opens none. Under `hybrid-v1`, which has no place for a name, the key's entry alone
/// says what it opens.
fn is_bound_work(permit: &Permit) -> bool {
    permit.token().is_some_and(|token| {
        token.claims().token_type == TokenType::Background
            && (permit.claimed().is_some() || token.profile() == Profile::HybridV1)
    })
}

/// A background token without an owner is for no user, so no user's permission can be checked; that it was not is on record.
fn audit(permit: &Permit, kind: Kind, permission: &'static str, id: &str) {
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        service = permit.service(),
        job_id = permit.job_id(),
        kind = kind.name(),
        id,
        permission,
        "no user's permission was asked: background work",
    );
}
