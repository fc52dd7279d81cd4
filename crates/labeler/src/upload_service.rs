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

use crate::datasets::Datasets;
use crate::error::Error;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct UploadHandlers(Arc<Datasets>);

impl UploadHandlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl UploadService for UploadHandlers {
    type Error = Error;

    async fn create_upload(
        &self,
        _: Permit,
        _: CreateUploadRequest,
    ) -> Result<CreateUploadResponse, Error> {
        Err(Error::NotServed)
    }

    async fn create_revision(
        &self,
        _: Granted<can::WriteDataset>,
        _: CreateRevisionRequest,
    ) -> Result<CreateRevisionResponse, Error> {
        Err(Error::NotServed)
    }

    async fn get_upload(
        &self,
        _: Granted<can::ReadUpload>,
        _: GetUploadRequest,
    ) -> Result<GetUploadResponse, Error> {
        Err(Error::NotServed)
    }

    async fn list_uploads(
        &self,
        _: Visible<can::ReadUpload>,
        _: ListUploadsRequest,
    ) -> Result<Seen<ListUploadsResponse>, Error> {
        Err(Error::NotServed)
    }

    async fn list_upload_files(
        &self,
        _: Granted<can::ReadUpload>,
        _: ListUploadFilesRequest,
    ) -> Result<ListUploadFilesResponse, Error> {
        Err(Error::NotServed)
    }

    async fn write_files(
        &self,
        _: Granted<can::WriteUpload>,
        _: WriteFilesRequest,
        _: Incoming<WriteFilesRequest>,
    ) -> Result<WriteFilesResponse, Error> {
        Err(Error::NotServed)
    }

    async fn finish_upload(
        &self,
        _: Granted<can::WriteUpload>,
        _: FinishUploadRequest,
    ) -> Result<FinishUploadResponse, Error> {
        Err(Error::NotServed)
    }

    async fn cancel_upload(
        &self,
        _: Granted<can::WriteUpload>,
        _: CancelUploadRequest,
    ) -> Result<CancelUploadResponse, Error> {
        Err(Error::NotServed)
    }

    async fn import_folder(
        &self,
        _: Permit,
        _: ImportFolderRequest,
    ) -> Result<ImportFolderResponse, Error> {
        Err(Error::NotServed)
    }
}
