//! The steps of an upload, as tests take them.

use std::sync::Arc;

use hallpass_contract::can::{ReadUpload, WriteDataset, WriteUpload};
use hallpass_contract::labeler as wire;
use hallpass_contract::labeler::UploadService;
use hallpass_policy::{Permit, Visible};
use tonic::Status;
use wire::write_files_request::Part;

use super::world::{File, World};
use crate::uploads::service::UploadHandlers;

pub(super) type Messages = Vec<Result<wire::WriteFilesRequest, Status>>;

impl World {
    pub(super) fn uploads(&self) -> UploadHandlers {
        UploadHandlers::new(Arc::clone(&self.labeler.datasets))
    }

    pub(super) async fn open_upload(&self, permit: &Permit, name: &str) -> wire::Upload {
        let answer = self.create_upload(permit, name, "").await.unwrap();
        answer.upload.unwrap()
    }

    pub(super) async fn create_upload(
        &self,
        permit: &Permit,
        name: &str,
        request_id: &str,
    ) -> Result<wire::CreateUploadResponse, Status> {
        let dataset = wire::DatasetSpec { display_name: name.to_owned(), ..Default::default() };
        let request =
            wire::CreateUploadRequest { dataset: Some(dataset), request_id: request_id.to_owned() };
        Ok(self.uploads().create_upload(permit.clone(), request).await?)
    }

    pub(super) async fn revise(&self, permit: &Permit, id: &str) -> Result<wire::Upload, Status> {
        let proof = self.may::<WriteDataset>(permit, id).await?;
        let request =
            wire::CreateRevisionRequest { dataset_id: id.to_owned(), ..Default::default() };
        Ok(self.uploads().create_revision(proof, request).await?.upload.unwrap())
    }

    pub(super) async fn write(
        &self,
        permit: &Permit,
        id: &str,
        messages: Messages,
    ) -> Result<wire::WriteFilesResponse, Status> {
        let proof = self.may::<WriteUpload>(permit, id).await?;
        let rest = Box::pin(tokio_stream::iter(messages));
        let first = wire::WriteFilesRequest::default();
        Ok(self.uploads().write_files(proof, first, rest).await?)
    }

    pub(super) async fn write_whole(&self, permit: &Permit, id: &str, files: &[File]) {
        let messages = files.iter().flat_map(whole).collect();
        let written = self.write(permit, id, messages).await.unwrap();
        assert_eq!(written.file_count, files.len() as u64);
    }

    pub(super) async fn received(&self, permit: &Permit, id: &str) -> Vec<wire::UploadFile> {
        let proof = self.may::<ReadUpload>(permit, id).await.unwrap();
        let request = wire::ListUploadFilesRequest::default();
        self.uploads().list_upload_files(proof, request).await.map_err(Status::from).unwrap().files
    }

    pub(super) async fn finish(
        &self,
        permit: &Permit,
        id: &str,
        with: impl FnOnce(&mut wire::FinishUploadRequest),
    ) -> Result<wire::Dataset, Status> {
        let proof = self.may::<WriteUpload>(permit, id).await?;
        let mut request =
            wire::FinishUploadRequest { upload_id: id.to_owned(), ..Default::default() };
        with(&mut request);
        Ok(self.uploads().finish_upload(proof, request).await?.dataset.unwrap())
    }

    pub(super) async fn cancel(&self, permit: &Permit, id: &str) -> Result<(), Status> {
        let proof = self.may::<WriteUpload>(permit, id).await?;
        let request = wire::CancelUploadRequest { upload_id: id.to_owned() };
        self.uploads().cancel_upload(proof, request).await?;
        Ok(())
    }

    pub(super) async fn open_uploads(&self, permit: &Permit) -> Vec<wire::Upload> {
        let visible = Visible::through(permit).unwrap();
        let seen = self.uploads().list_uploads(visible, wire::ListUploadsRequest::default()).await;
        seen.map_err(Status::from).unwrap().into_inner().uploads
    }
}

/// A file in one go.
pub(super) fn whole((path, data): &File) -> Messages {
    let pieces = data.chunks(1 << 20).map(|piece| Ok(data_of(piece)));
    std::iter::once(Ok(begin(path, data.len(), 0))).chain(pieces).collect()
}

/// Goes on with a file behind these bytes.
pub(super) fn rest((path, data): &File, offset: usize) -> Messages {
    let pieces = data[offset..].chunks(1 << 20).map(|piece| Ok(data_of(piece)));
    std::iter::once(Ok(begin(path, data.len(), offset))).chain(pieces).collect()
}

pub(super) fn begin(path: &str, size: usize, offset: usize) -> wire::WriteFilesRequest {
    let file = wire::FileStart {
        path: path.to_owned(),
        size_bytes: size as u64,
        offset: offset as u64,
        ..Default::default()
    };
    wire::WriteFilesRequest { part: Some(Part::File(file)) }
}

pub(super) fn data_of(data: &[u8]) -> wire::WriteFilesRequest {
    wire::WriteFilesRequest { part: Some(Part::Data(data.to_vec().into())) }
}

/// A text for people of so many bytes, none of which is like its neighbours.
pub(super) fn long_text(bytes: usize) -> File {
    let data = (0..bytes).map(|at| b'a' + u8::try_from((at * 7 + at / 251) % 26).unwrap());
    ("LICENSE".to_owned(), data.collect())
}
