//! `DatasetService`.

use hallpass_contract::labeler as wire;
use tokio_stream::StreamExt;
use tonic::Code;

use super::super::callers::Who;
use super::super::world::{chunk, image, start};
use super::Dataset;
use super::play::{Play, USERS};

/// No more datasets than these at a time: each costs writes to the disk.
const MOST: usize = 12;

impl Play {
    /// Whether a token makes things and lists them: a user's own, that is for no one object.
    pub(super) const fn is_free(who: &Who) -> bool {
        matches!(who, Who::User(_))
    }

    /// The dataset that an answer tells of is as the model has it.
    pub(super) fn same(&self, dataset: &wire::Dataset) {
        let model = &self.model.datasets[&dataset.dataset_id];
        let told = (&dataset.owner, dataset.visibility == 2, &dataset.display_name, &dataset.etag);
        assert_eq!(told, (&model.owner, model.public, &model.name, &model.etag));
    }

    pub(super) fn add_dataset(&mut self, dataset: &wire::Dataset, shares: &[wire::Share]) {
        self.model.made += 1;
        let with = |role: i32| {
            let shares = shares.iter().filter(|share| share.role == role);
            shares.map(|share| share.subject.clone()).collect()
        };
        let added = Dataset {
            number: self.model.made,
            name: dataset.display_name.clone(),
            etag: dataset.etag.clone(),
            owner: dataset.owner.clone(),
            public: dataset.visibility == 2,
            readers: with(1),
            writers: with(2),
        };
        assert!(self.model.datasets.insert(dataset.dataset_id.clone(), added).is_none());
    }

    /// What a user wants a new dataset to be.
    pub(super) fn any_spec(&mut self, owner: &str) -> wire::DatasetSpec {
        let mut shares = Vec::new();
        for subject in USERS.into_iter().filter(|user| *user != owner) {
            if self.chance.once_in(4) {
                let role = *self.chance.one_of(&[1, 2]);
                shares.push(wire::Share { subject: subject.to_owned(), role });
            }
        }
        let display_name = format!("number {}", self.model.made);
        let visibility = if self.chance.once_in(4) { 2 } else { 1 };
        wire::DatasetSpec { display_name, visibility, shares, ..Default::default() }
    }

    pub(super) async fn create_dataset(&mut self, who: Who) {
        if self.model.datasets.len() >= MOST && Self::is_free(&who) {
            return;
        }
        let user = if let Who::User(user) = &who { user.clone() } else { "alice".into() };
        let spec = self.any_spec(&user);
        let start = wire::CreateDatasetStart { dataset: Some(spec.clone()), ..start("") };
        let start = wire::CreateDatasetRequest {
            part: Some(wire::create_dataset_request::Part::Start(start)),
        };
        let (path, data) = image("cat/0.png");
        let parts = tokio_stream::iter([start, chunk(&path, &data)]);
        let answer = self.caller(&who).datasets().create_dataset(parts).await;
        if let Some(made) = self.judge("CreateDataset", &who, Self::is_free(&who), answer) {
            self.add_dataset(&made.unwrap().dataset.unwrap(), &spec.shares);
        }
    }

    pub(super) async fn get_dataset(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "read", "dataset", &id);
        let request = wire::GetDatasetRequest { dataset_id: id };
        let answer = self.caller(&who).datasets().get_dataset(request).await;
        if let Some(got) = self.judge("GetDataset", &who, may, answer) {
            self.same(&got.unwrap().dataset.unwrap());
        }
    }

    pub(super) async fn list_datasets(&mut self, who: Who) {
        let Who::User(user) = &who else {
            let request = wire::ListDatasetsRequest::default();
            let answer = self.caller(&who).datasets().list_datasets(request).await;
            assert!(self.judge("ListDatasets", &who, false, answer).is_none());
            return;
        };
        let page_size = *self.chance.one_of(&[1, 2, 5, 100]);
        let (mut request, mut seen) =
            (wire::ListDatasetsRequest { page_size, ..Default::default() }, Vec::new());
        loop {
            let answer = self.caller(&who).datasets().list_datasets(request.clone()).await;
            let page = self.judge("ListDatasets", &who, true, answer).unwrap().unwrap();
            for dataset in page.datasets {
                self.same(&dataset);
                seen.push(dataset.dataset_id);
            }
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, self.model.seen_by(user), "{user}");
    }

    pub(super) async fn batch_get_datasets(&mut self, who: Who) {
        let ids: Vec<_> =
            (0..=self.chance.below(3)).map(|_| self.id_for(&who, "dataset")).collect();
        let may = ids.iter().all(|id| self.model.may(&who, "read", "dataset", id));
        let request = wire::BatchGetDatasetsRequest { dataset_ids: ids.clone() };
        let answer = self.caller(&who).datasets().batch_get_datasets(request).await;
        if let Some(got) = self.judge("BatchGetDatasets", &who, may, answer) {
            let got = got.unwrap().datasets;
            assert_eq!(got.iter().map(|one| one.dataset_id.clone()).collect::<Vec<_>>(), ids);
            for dataset in &got {
                self.same(dataset);
            }
        }
    }

    pub(super) async fn update_dataset(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "write", "dataset", &id);
        let (etag, right) = self.any_etag(&id);
        let name = format!("renamed {}", self.chance.below(1_000_000));
        let change = wire::DatasetChange { display_name: name.clone(), ..Default::default() };
        let request = wire::UpdateDatasetRequest {
            dataset_id: id,
            change: Some(change),
            update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".into()] }),
            etag,
        };
        let answer = self.caller(&who).datasets().update_dataset(request).await;
        let answer = answer.map(|answer| answer.map(|done| done.dataset.unwrap()));
        if let Some(done) = self.judge("UpdateDataset", &who, may, answer) {
            self.changed(done, right.err(), |dataset| dataset.name = name);
        }
    }

    pub(super) async fn check_permission(&mut self, who: Who) {
        let (kind, id) = match &who {
            Who::Bound(_, kind, id) if !self.chance.once_in(3) => (*kind, id.clone()),
            _ => self.any_object(),
        };
        let is_user = matches!(who, Who::User(_) | Who::Bound(..));
        let held: Vec<_> = ["read", "write", "delete", "share"]
            .into_iter()
            .filter(|permission| self.model.may(&who, permission, kind, &id))
            .collect();
        let mut request = wire::CheckPermissionRequest::default();
        *match kind {
            "dataset" => &mut request.dataset_id,
            "snapshot" => &mut request.snapshot_id,
            _ => &mut request.upload_id,
        } = id;
        let answer = self.caller(&who).datasets().check_permission(request).await;
        if let Some(told) = self.judge("CheckPermission", &who, is_user, answer) {
            let told = told.unwrap();
            assert_eq!(told.permissions, held, "{who:?} {kind}");
            assert_eq!(told.role == 0, held.is_empty());
        }
    }

    pub(super) async fn download_dataset(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "read", "dataset", &id);
        let path = (*self.chance.one_of(&["", "cat/0.png", "no such"])).to_owned();
        let request = wire::DownloadDatasetRequest {
            dataset_id: id,
            path: path.clone(),
            ..Default::default()
        };
        let answer = self.caller(&who).datasets().download_dataset(request).await;
        match self.judge("DownloadDataset", &who, may, answer) {
            Some(Ok(mut pieces)) => {
                assert!(!pieces.next().await.unwrap().unwrap().chunk.unwrap().data.is_empty());
            }
            Some(Err(status)) => {
                assert_eq!((status.code(), path.as_str()), (Code::NotFound, "no such"));
            }
            None => {}
        }
    }

    /// The store here is a folder, which has no URLs: it says so to those alone who may read.
    pub(super) async fn get_download_url(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "read", "dataset", &id);
        let request = wire::GetDownloadUrlRequest { dataset_id: id, path: "cat/0.png".into() };
        let answer = self.caller(&who).datasets().get_download_url(request).await;
        if let Some(told) = self.judge("GetDownloadUrl", &who, may, answer) {
            assert!(told.is_err());
        }
    }

    pub(super) async fn delete_dataset(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "delete", "dataset", &id);
        let (etag, right) = self.any_etag(&id);
        let needed = !self.model.snapshots_of(&id).is_empty();
        let request = wire::DeleteDatasetRequest { dataset_id: id.clone(), etag };
        let answer = self.caller(&who).datasets().delete_dataset(request).await;
        let Some(done) = self.judge("DeleteDataset", &who, may, answer) else { return };
        let wrong = right.err().or(needed.then_some(Code::FailedPrecondition));
        assert_eq!(done.as_ref().err().map(tonic::Status::code), wrong);
        if let Err(status) = done {
            let snapshots = self.model.snapshots_of(&id);
            let named = snapshots.iter().all(|snapshot| status.message().contains(*snapshot));
            assert!(wrong == Some(Code::Aborted) || snapshots.len() > 10 || named, "{status:?}");
            return;
        }
        self.model.datasets.remove(&id);
        let revises = |upload: &super::Upload| upload.revision && upload.dataset == id;
        self.model.uploads.retain(|_, upload| !revises(upload));
        self.model.gone.push(id);
    }
}
