//! `PermissionService`, and what follows a change of a dataset.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};

use super::super::callers::Who;
use super::play::{Play, USERS};

impl Play {
    /// An etag for a change of a dataset, and what the change fails with if the dataset has another.
    pub(super) fn any_etag(&mut self, id: &str) -> (String, Result<(), Code>) {
        let current = self.model.datasets.get(id).map(|dataset| dataset.etag.clone());
        match self.chance.below(4) {
            0 => ("0".repeat(16), Err(Code::Aborted)),
            1 => (current.unwrap_or_default(), Ok(())),
            _ => (String::new(), Ok(())),
        }
    }

    /// A change of a dataset came out as it must: it failed so, or the model is changed likewise.
    pub(super) fn changed(
        &mut self,
        done: Result<wire::Dataset, Status>,
        wrong: Option<Code>,
        change: impl FnOnce(&mut super::Dataset),
    ) {
        assert_eq!(done.as_ref().err().map(Status::code), wrong, "{:?}", done.err());
        let Ok(told) = done else { return };
        let dataset = self.model.datasets.get_mut(&told.dataset_id).unwrap();
        change(dataset);
        dataset.etag.clone_from(&told.etag);
        self.same(&told);
    }

    pub(super) async fn list_permissions(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "share", "dataset", &id);
        let request = wire::ListPermissionsRequest { dataset_id: id.clone(), ..Default::default() };
        let answer = self.caller(&who).permissions().list_permissions(request).await;
        let Some(told) = self.judge("ListPermissions", &who, may, answer) else { return };
        let (told, model) = (told.unwrap(), &self.model.datasets[&id]);
        assert_eq!((&told.owner, told.visibility == 2), (&model.owner, model.public));
        let role = |user: &str| {
            let (reads, writes) = (model.readers.contains(user), model.writers.contains(user));
            assert!(!(reads && writes));
            if writes { Some(2) } else { reads.then_some(1) }
        };
        let expected: Vec<_> =
            USERS.into_iter().filter_map(|user| Some((user.to_owned(), role(user)?))).collect();
        let shares: Vec<_> =
            told.shares.into_iter().map(|share| (share.subject, share.role)).collect();
        assert_eq!(shares, expected);
    }

    pub(super) async fn grant_permission(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "share", "dataset", &id);
        let ((etag, right), user) = (self.any_etag(&id), self.user());
        let role = *self.chance.one_of(&[1, 2]);
        let share = Some(wire::Share { subject: user.clone(), role });
        let request = wire::GrantPermissionRequest { dataset_id: id.clone(), share, etag };
        let answer = self.caller(&who).permissions().grant_permission(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("GrantPermission", &who, may, answer) {
            let wrong = right.err().or(self.owned_by(&id, &user));
            self.changed(done, wrong, |dataset| {
                dataset.readers.remove(&user);
                dataset.writers.remove(&user);
                let parts = if role == 1 { &mut dataset.readers } else { &mut dataset.writers };
                parts.insert(user);
            });
        }
    }

    pub(super) async fn revoke_permission(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "share", "dataset", &id);
        let ((etag, right), user) = (self.any_etag(&id), self.user());
        let request =
            wire::RevokePermissionRequest { dataset_id: id.clone(), subject: user.clone(), etag };
        let answer = self.caller(&who).permissions().revoke_permission(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("RevokePermission", &who, may, answer) {
            let wrong = right.err().or(self.owned_by(&id, &user));
            self.changed(done, wrong, |dataset| {
                dataset.readers.remove(&user);
                dataset.writers.remove(&user);
            });
        }
    }

    pub(super) async fn set_visibility(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "share", "dataset", &id);
        let (etag, right) = self.any_etag(&id);
        let visibility = if self.chance.once_in(3) { 2 } else { 1 };
        let request = wire::SetVisibilityRequest { dataset_id: id, visibility, etag };
        let answer = self.caller(&who).permissions().set_visibility(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("SetVisibility", &who, may, answer) {
            self.changed(done, right.err(), |dataset| dataset.public = visibility == 2);
        }
    }

    pub(super) async fn transfer_ownership(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "share", "dataset", &id);
        let ((etag, right), user) = (self.any_etag(&id), self.user());
        let role = *self.chance.one_of(&[0, 1, 2]);
        let request = wire::TransferOwnershipRequest {
            dataset_id: id.clone(),
            new_owner: user.clone(),
            former_owner_role: role,
            etag,
        };
        let answer = self.caller(&who).permissions().transfer_ownership(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("TransferOwnership", &who, may, answer) {
            let wrong = right.err().or(self.owned_by(&id, &user));
            self.changed(done, wrong, |dataset| {
                dataset.readers.remove(&user);
                dataset.writers.remove(&user);
                let former = std::mem::replace(&mut dataset.owner, user);
                match role {
                    1 => drop(dataset.readers.insert(former)),
                    2 => drop(dataset.writers.insert(former)),
                    _ => {}
                }
            });
        }
    }

    /// What a change fails with that would give the owner a part, or take the owner's.
    fn owned_by(&self, id: &str, user: &str) -> Option<Code> {
        (self.model.datasets[id].owner == user).then_some(Code::InvalidArgument)
    }
}
