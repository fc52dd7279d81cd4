//! Changes of what people read of a dataset and of who may use it.
//!
//! Invariant: every change of who may use a dataset is on record: who changed what, of which dataset, under which decision.

use std::sync::Arc;

use hallpass_contract::can::{ShareDataset, WriteDataset};
use hallpass_policy::{Granted, Permission};

use crate::database::{Alteration, Altered, Change, Permissions};
use crate::datasets::store::{Datasets, gone, id_of, subject_of};
use crate::error::Error;
use crate::model::access::{Role, Visibility};
use crate::model::dataset::{Dataset, Share};
use crate::model::ids::{etag, random};
use crate::page::PageRequest;

/// One page of who may use a dataset.
#[derive(Debug)]
pub(crate) struct PermissionsPage {
    /// Who they are.
    pub(crate) permissions: Permissions,
    /// For the next page; empty on the last.
    pub(crate) next_page_token: String,
}

impl Datasets {
    /// Changes a dataset's name, its description or both, if it has this etag; an empty one is any.
    pub(crate) async fn update(
        &self,
        proof: &Granted<WriteDataset>,
        display_name: Option<&str>,
        description: Option<&str>,
        expected: &str,
    ) -> Result<Dataset, Error> {
        self.files.have_room()?;
        let change = Change::Text { display_name, description };
        Ok(self.alter(proof, expected, change).await?.dataset)
    }

    /// Gives a user a part.
    pub(crate) async fn grant(
        &self,
        proof: &Granted<ShareDataset>,
        share: &Share,
        expected: &str,
    ) -> Result<Dataset, Error> {
        self.files.have_room()?;
        let altered = self.alter(proof, expected, Change::Grant(share)).await?;
        if altered.changed {
            audit_part(proof, "grant", &share.subject, Some(share.role));
        }
        Ok(altered.dataset)
    }

    /// Takes a user's part away.
    pub(crate) async fn revoke(
        &self,
        proof: &Granted<ShareDataset>,
        subject: &str,
        expected: &str,
    ) -> Result<Dataset, Error> {
        let altered = self.alter(proof, expected, Change::Revoke(subject)).await?;
        if altered.changed {
            audit_part(proof, "revoke", subject, None);
        }
        Ok(altered.dataset)
    }

    /// Makes a dataset public or private.
    pub(crate) async fn set_visibility(
        &self,
        proof: &Granted<ShareDataset>,
        visibility: Visibility,
        expected: &str,
    ) -> Result<Dataset, Error> {
        let altered = self.alter(proof, expected, Change::Visibility(visibility)).await?;
        if altered.changed {
            let change = match visibility {
                Visibility::Private => "make private",
                Visibility::Public => "make public",
            };
            audit(proof, change);
        }
        Ok(altered.dataset)
    }

    /// Gives a dataset to another user, and its owner until now this part or none.
    pub(crate) async fn transfer(
        &self,
        proof: &Granted<ShareDataset>,
        new: &str,
        former: Option<Role>,
        expected: &str,
    ) -> Result<Dataset, Error> {
        let altered = self.alter(proof, expected, Change::Owner { new, former }).await?;
        if altered.changed {
            audit_part(proof, "transfer", new, Some(Role::Owner));
            audit_part(proof, "transfer", subject_of(proof.permit())?, former);
        }
        Ok(altered.dataset)
    }

    /// One page of who may use a dataset.
    pub(crate) async fn permissions(
        &self,
        proof: &Granted<ShareDataset>,
        page: PageRequest,
    ) -> Result<PermissionsPage, Error> {
        let (id, asking) = (id_of(proof)?, subject_of(proof.permit())?);
        let query = ["ListPermissions", asking, id.as_str()];
        let behind = match page.token.as_str() {
            "" => Some(String::new()),
            token => self.pages.open(&query, token).and_then(|text| String::from_utf8(text).ok()),
        };
        let behind = behind.ok_or_else(|| {
            Error::invalid("page_token", "must come from the page before, of the same dataset")
        })?;
        let found = self.database.permissions(&id, asking, &behind, page.size + 1).await?;
        let mut permissions = found.ok_or_else(|| gone(proof))?;
        let more = permissions.shares.len() > page.size as usize;
        permissions.shares.truncate(page.size as usize);
        let next_page_token = match permissions.shares.last() {
            Some(last) if more => {
                let sealed = self.pages.seal(&query, last.subject.as_bytes());
                sealed.map_err(|_| Error::Chance)?
            }
            _ => String::new(),
        };
        Ok(PermissionsPage { permissions, next_page_token })
    }

    async fn alter<P: Permission>(
        &self,
        proof: &Granted<P>,
        expected: &str,
        change: Change<'_>,
    ) -> Result<Altered, Error> {
        let (id, etag) = (id_of(proof)?, etag(random()?));
        let alteration = Alteration {
            id: &id,
            by: subject_of(proof.permit())?,
            needs: P::NAME,
            expected,
            etag: &etag,
            now: (Arc::clone(&self.now))(),
            quota: self.settings.quota,
        };
        self.database.alter(alteration, change).await?.ok_or_else(|| gone(proof))
    }
}

/// Puts a change on record.
pub(crate) fn audit<P: Permission>(proof: &Granted<P>, change: &'static str) {
    let permit = proof.permit();
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        service = permit.service(),
        job_id = permit.job_id(),
        sub = permit.subject(),
        dataset_id = proof.id(),
        change,
        "a dataset was changed",
    );
}

/// Puts on record whose part in a dataset is another one now.
fn audit_part<P: Permission>(
    proof: &Granted<P>,
    change: &'static str,
    of: &str,
    role: Option<Role>,
) {
    let permit = proof.permit();
    tracing::info!(
        target: "hallpass::audit",
        decision = %permit.decision(),
        rpc = permit.rule().path,
        service = permit.service(),
        sub = permit.subject(),
        dataset_id = proof.id(),
        change,
        part_of = of,
        role = role.map_or("none", Role::as_str),
        "who may use a dataset was changed",
    );
}
