//! The object check: who may do what to which dataset.
//!
//! Invariant: absent and forbidden give the same verdict, and a database that does not answer gives none.

use std::sync::Arc;

use hallpass_policy::{ObjectPolicy, Permit, Unknown, Verdict};
use hallpass_token::{Profile, TokenType};

use crate::datasets::Datasets;
use crate::ids::DatasetId;

/// The one type of object that Labeler has.
const KIND: &str = "dataset";

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
        let Some(dataset) = DatasetId::parse(id).filter(|_| kind == KIND) else {
            return Ok(Verdict::Refused);
        };
        if !claim_allows(permit, kind, id) {
            return Ok(Verdict::Refused);
        }
        let allowed = match permit.subject() {
            Some(subject) => {
                let role = self.0.database.role(&dataset, subject).await;
                role.map(|role| role.is_some_and(|role| role.permits(permission)))
            }
            None if is_bound_work(permit) => {
                audit(permit, permission, &dataset);
                self.0.database.exists(&dataset).await
            }
            None => Ok(false),
        };
        match allowed {
            Ok(true) => Ok(Verdict::Granted),
            Ok(false) => Ok(Verdict::Refused),
            Err(error) => {
                tracing::error!(%error, "the object check cannot know");
                Err(Unknown("the database"))
            }
        }
    }
}

/// A token that is for one object is for no other, whoever holds it.
pub(crate) fn claim_allows(permit: &Permit, kind: &str, id: &str) -> bool {
    let claim = permit.token().and_then(|token| token.claims().resource.as_ref());
    claim.is_none_or(|claim| claim.kind == kind && claim.id == id)
}

/// A background token opens the one dataset that it names. Under `hybrid-v1`, which has no place for a name, the key's entry alone
/// says what it opens.
fn is_bound_work(permit: &Permit) -> bool {
    permit.token().is_some_and(|token| {
        token.claims().token_type == TokenType::Background
            && (token.claims().resource.is_some() || token.profile() == Profile::HybridV1)
    })
}

/// Background work is done for no user, so no user's permission can be asked; that it was not is on record.
fn audit(permit: &Permit, permission: &'static str, dataset: &DatasetId) {
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        service = permit.service(),
        job_id = permit.job_id(),
        dataset_id = %dataset,
        permission,
        "no user's permission was asked: background work",
    );
}
