//! `UploadService`.

use hallpass_contract::labeler as wire;
use tonic::{Code, Status};
use wire::write_files_request::Part;

use super::super::callers::Who;
use super::super::world::image;
use super::Upload;
use super::play::Play;

/// No more open uploads than these.
const MOST: usize = 8;

impl Play {
    fn add_upload(&mut self, upload: wire::Upload, owner: String) {
        let wire::Upload { upload_id, dataset_id, revision, .. } = upload;
        let added = Upload { owner, dataset: dataset_id, revision, files: 0 };
        assert!(self.model.uploads.insert(upload_id, added).is_none());
    }

    pub(super) async fn create_upload(&mut self, who: Who) {
        if self.model.uploads.len() >= MOST && Self::is_free(&who) {
            return;
        }
        let display_name = format!("uploaded {}", self.model.made);
        let dataset = Some(wire::DatasetSpec { display_name, ..Default::default() });
        let request = wire::CreateUploadRequest { dataset, ..Default::default() };
        let answer = self.caller(&who).uploads().create_upload(request).await;
        if let Some(Ok(made)) = self.judge("CreateUpload", &who, Self::is_free(&who), answer) {
            let Who::User(user) = who else { unreachable!("only users make uploads") };
            self.add_upload(made.upload.unwrap(), user);
        }
    }

    pub(super) async fn create_revision(&mut self, who: Who) {
        let id = self.id_for(&who, "dataset");
        let may = self.model.may(&who, "write", "dataset", &id);
        if self.model.uploads.len() >= MOST && may {
            return;
        }
        let request = wire::CreateRevisionRequest { dataset_id: id.clone(), ..Default::default() };
        let answer = self.caller(&who).uploads().create_revision(request).await;
        if let Some(Ok(made)) = self.judge("CreateRevision", &who, may, answer) {
            let (Who::User(user) | Who::Bound(user, ..)) = who else {
                unreachable!("only users make uploads")
            };
            let upload = made.upload.unwrap();
            assert!(upload.revision && upload.dataset_id == id);
            self.add_upload(upload, user);
        }
    }

    pub(super) async fn get_upload(&mut self, who: Who) {
        let id = self.id_for(&who, "upload");
        let may = self.model.may(&who, "read", "upload", &id);
        let request = wire::GetUploadRequest { upload_id: id.clone() };
        let answer = self.caller(&who).uploads().get_upload(request).await;
        if let Some(Ok(got)) = self.judge("GetUpload", &who, may, answer) {
            let (got, model) = (got.upload.unwrap(), &self.model.uploads[&id]);
            assert_eq!((&got.dataset_id, got.revision), (&model.dataset, model.revision));
        }
    }

    pub(super) async fn list_uploads(&mut self, who: Who) {
        let request = wire::ListUploadsRequest { page_size: 1000, ..Default::default() };
        let answer = self.caller(&who).uploads().list_uploads(request).await;
        let Some(Ok(told)) = self.judge("ListUploads", &who, Self::is_free(&who), answer) else {
            return;
        };
        let mut told: Vec<_> = told.uploads.into_iter().map(|upload| upload.upload_id).collect();
        told.sort();
        let all = self.model.uploads.keys();
        let own: Vec<_> =
            all.filter(|id| self.model.may(&who, "read", "upload", id)).cloned().collect();
        assert_eq!(told, own, "{who:?}");
    }

    pub(super) async fn list_upload_files(&mut self, who: Who) {
        let id = self.id_for(&who, "upload");
        let may = self.model.may(&who, "read", "upload", &id);
        let request = wire::ListUploadFilesRequest { upload_id: id.clone(), ..Default::default() };
        let answer = self.caller(&who).uploads().list_upload_files(request).await;
        if let Some(Ok(told)) = self.judge("ListUploadFiles", &who, may, answer) {
            assert_eq!(told.files.len(), self.model.uploads[&id].files);
        }
    }

    pub(super) async fn write_files(&mut self, who: Who) {
        let id = self.id_for(&who, "upload");
        let may = self.model.may(&who, "write", "upload", &id);
        let files = self.model.uploads.get(&id).map_or(0, |upload| upload.files);
        let (path, data) = image(&format!("cat/{files}.png"));
        let start = wire::WriteStart { upload_id: id.clone() };
        let size_bytes = data.len() as u64;
        let file = wire::FileStart { path, size_bytes, ..Default::default() };
        let parts = [Part::Start(start), Part::File(file), Part::Data(data.into())];
        let parts = parts.map(|part| wire::WriteFilesRequest { part: Some(part) });
        let answer = self.caller(&who).uploads().write_files(tokio_stream::iter(parts)).await;
        if let Some(Ok(written)) = self.judge("WriteFiles", &who, may, answer) {
            assert_eq!((written.file_count, written.size_bytes), (1, size_bytes));
            self.model.uploads.get_mut(&id).unwrap().files += 1;
        }
    }

    pub(super) async fn finish_upload(&mut self, who: Who) {
        let id = self.id_for(&who, "upload");
        let may = self.model.may(&who, "write", "upload", &id);
        let request = wire::FinishUploadRequest { upload_id: id.clone(), ..Default::default() };
        let answer = self.caller(&who).uploads().finish_upload(request).await;
        let Some(done) = self.judge("FinishUpload", &who, may, answer) else { return };
        let empty = self.model.uploads[&id].files == 0 && !self.model.uploads[&id].revision;
        let wrong = empty.then_some(Code::InvalidArgument);
        if let Err(status) = &done {
            assert_eq!(Some(status.code()), wrong, "{status:?}");
            return;
        }
        let (upload, told) = (self.model.uploads.remove(&id).unwrap(), done.unwrap());
        self.model.gone.push(id);
        let told = told.dataset.unwrap();
        assert_eq!(told.dataset_id, upload.dataset);
        if upload.revision {
            self.changed(Ok(told), None, |_| {});
        } else {
            assert_eq!((&told.owner, told.visibility), (&upload.owner, 1));
            self.add_dataset(&told, &[]);
        }
    }

    pub(super) async fn cancel_upload(&mut self, who: Who) {
        let id = self.id_for(&who, "upload");
        let may = self.model.may(&who, "write", "upload", &id);
        let request = wire::CancelUploadRequest { upload_id: id.clone() };
        let answer = self.caller(&who).uploads().cancel_upload(request).await;
        if let Some(Ok(_)) = self.judge("CancelUpload", &who, may, answer) {
            self.model.uploads.remove(&id);
            self.model.gone.push(id);
        }
    }

    /// The server here has no roots to import from: it says so to those alone who may ask.
    pub(super) async fn import_folder(&mut self, who: Who) {
        let spec = wire::DatasetSpec { display_name: "imported".into(), ..Default::default() };
        let request = wire::ImportFolderRequest {
            dataset: Some(spec),
            root: "none".into(),
            ..Default::default()
        };
        let answer = self.caller(&who).uploads().import_folder(request).await;
        let done = self.judge("ImportFolder", &who, Self::is_free(&who), answer);
        assert!(done.is_none_or(|done: Result<_, Status>| done.is_err()));
    }
}
