//! The handlers of `UploadService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::labeler::{
    CancelUploadRequest, CancelUploadResponse, CreateRevisionRequest, CreateRevisionResponse,
    CreateUploadRequest, CreateUploadResponse, FinishUploadRequest, FinishUploadResponse,
    GetUploadRequest, GetUploadResponse, ImportFolderRequest, ImportFolderResponse,
    ListUploadFilesRequest, ListUploadFilesResponse, ListUploadsRequest, ListUploadsResponse,
    UploadService, WriteFilesRequest, WriteFilesResponse,
};
use hallpass_policy::adapter::Incoming;
use hallpass_policy::{Granted, Permit, Seen, Visible};
use tokio_stream::StreamExt;

use crate::datasets::store::Datasets;
use crate::datasets::wire::{dataset, request_id};
use crate::error::Error;
use crate::page;
use crate::uploads::commit::Wanted;
use crate::uploads::import::Source;
use crate::uploads::store::made;
use crate::uploads::wire;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct UploadHandlers(Arc<Datasets>);

impl UploadHandlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

/// What a page of files has if nothing else is said.
const FILES: i32 = 1000;

impl UploadService for UploadHandlers {
    type Error = Error;

    async fn create_upload(
        &self,
        permit: Permit,
        request: CreateUploadRequest,
    ) -> Result<CreateUploadResponse, Error> {
        let spec = wire::spec(request.dataset, request_id(&request.request_id)?)?;
        let (upload, earlier) = made(self.0.open_new(&permit, &spec).await?, &permit)?;
        Ok(CreateUploadResponse { upload: upload.map(wire::upload), dataset: earlier.map(dataset) })
    }

    async fn create_revision(
        &self,
        dataset: Granted<can::WriteDataset>,
        request: CreateRevisionRequest,
    ) -> Result<CreateRevisionResponse, Error> {
        let request = request_id(&request.request_id)?;
        let upload = self.0.open_revision(&dataset, request.as_ref()).await?;
        Ok(CreateRevisionResponse { upload: Some(wire::upload(upload)) })
    }

    async fn get_upload(
        &self,
        upload: Granted<can::ReadUpload>,
        _: GetUploadRequest,
    ) -> Result<GetUploadResponse, Error> {
        let found = self.0.upload(&upload).await?;
        Ok(GetUploadResponse { upload: Some(wire::upload(found)) })
    }

    async fn list_uploads(
        &self,
        uploads: Visible<can::ReadUpload>,
        request: ListUploadsRequest,
    ) -> Result<Seen<ListUploadsResponse>, Error> {
        let page = page::request(request.page_size, request.page_token)?;
        let seen = self.0.uploads(&uploads, page).await?;
        Ok(seen.map(|page| ListUploadsResponse {
            uploads: page.found.into_iter().map(wire::upload).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn list_upload_files(
        &self,
        upload: Granted<can::ReadUpload>,
        request: ListUploadFilesRequest,
    ) -> Result<ListUploadFilesResponse, Error> {
        let size = if request.page_size == 0 { FILES } else { request.page_size };
        let page = page::request(size, request.page_token)?;
        let page = self.0.upload_files(&upload, page).await?;
        Ok(ListUploadFilesResponse {
            files: page.found.into_iter().map(wire::file).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn write_files(
        &self,
        upload: Granted<can::WriteUpload>,
        _: WriteFilesRequest,
        rest: Incoming<WriteFilesRequest>,
    ) -> Result<WriteFilesResponse, Error> {
        let stream = self.0.write(&upload).await?;
        let tally = stream.store(rest.map(wire::message)).await?;
        Ok(WriteFilesResponse { file_count: tally.files, size_bytes: tally.bytes })
    }

    async fn finish_upload(
        &self,
        upload: Granted<can::WriteUpload>,
        request: FinishUploadRequest,
    ) -> Result<FinishUploadResponse, Error> {
        let content_sha256 = wire::sha256("content_sha256", &request.content_sha256)?;
        let wanted = Wanted { spec: None, content_sha256, remove_others: request.remove_others };
        let finished = self.0.finish_proven(&upload, wanted).await?;
        Ok(FinishUploadResponse { dataset: Some(dataset(finished)) })
    }

    async fn cancel_upload(
        &self,
        upload: Granted<can::WriteUpload>,
        _: CancelUploadRequest,
    ) -> Result<CancelUploadResponse, Error> {
        self.0.cancel(&upload).await?;
        Ok(CancelUploadResponse {})
    }

    async fn import_folder(
        &self,
        permit: Permit,
        request: ImportFolderRequest,
    ) -> Result<ImportFolderResponse, Error> {
        let spec = wire::spec(request.dataset, request_id(&request.request_id)?)?;
        let source = Source { root: request.root, path: request.path };
        let made = self.0.import(&permit, spec, source).await?;
        Ok(ImportFolderResponse { dataset: Some(dataset(made)) })
    }
}
