//! Platform's `UploadService`: what users send, Labeler keeps.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    CancelUploadRequest, CancelUploadResponse, CreateRevisionRequest, CreateRevisionResponse,
    CreateUploadRequest, CreateUploadResponse, FinishUploadRequest, FinishUploadResponse,
    GetUploadRequest, GetUploadResponse, ImportFolderRequest, ImportFolderResponse,
    ListUploadFilesRequest, ListUploadFilesResponse, ListUploadsRequest, ListUploadsResponse,
    WriteFilesRequest, WriteFilesResponse,
};
use hallpass_contract::platform::UploadService;
use hallpass_guard::on_behalf;
use hallpass_policy::adapter::Incoming;
use hallpass_policy::{Denial, Granted, Permit, Seen, Visible};

use crate::error::Error;
use crate::labeler::{Asked, LabelerClient, LabelerError, Peer, answered, relay, relayed};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct UploadHandler<S> {
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> UploadService for UploadHandler<S> {
    type Error = Error;

    async fn create_upload(
        &self,
        permit: Permit,
        request: CreateUploadRequest,
    ) -> Result<CreateUploadResponse, Error> {
        LabelerClient::<S>::may_store(&permit)?;
        let call = on_behalf(&permit, request);
        answered(&Asked::by(&permit, "write"), self.labeler.uploads().create_upload(call).await)
    }

    async fn create_revision(
        &self,
        dataset: Granted<can::WriteDataset>,
        request: CreateRevisionRequest,
    ) -> Result<CreateRevisionResponse, Error> {
        let request = CreateRevisionRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.uploads().create_revision(call).await)
    }

    async fn get_upload(
        &self,
        upload: Granted<can::ReadUpload>,
        _: GetUploadRequest,
    ) -> Result<GetUploadResponse, Error> {
        let request = GetUploadRequest { upload_id: upload.id().to_owned() };
        let call = on_behalf(upload.permit(), request);
        answered(&Asked::with(&upload), self.labeler.uploads().get_upload(call).await)
    }

    async fn list_uploads(
        &self,
        uploads: Visible<can::ReadUpload>,
        request: ListUploadsRequest,
    ) -> Result<Seen<ListUploadsResponse>, Error> {
        // The permit is the subject: Labeler selects by the token that is minted from it.
        uploads
            .look(|_| async {
                let call = on_behalf(uploads.permit(), request);
                answered(
                    &Asked::by(uploads.permit(), "read"),
                    self.labeler.uploads().list_uploads(call).await,
                )
            })
            .await
    }

    async fn list_upload_files(
        &self,
        upload: Granted<can::ReadUpload>,
        request: ListUploadFilesRequest,
    ) -> Result<ListUploadFilesResponse, Error> {
        let request = ListUploadFilesRequest { upload_id: upload.id().to_owned(), ..request };
        let call = on_behalf(upload.permit(), request);
        answered(&Asked::with(&upload), self.labeler.uploads().list_upload_files(call).await)
    }

    async fn write_files(
        &self,
        upload: Granted<can::WriteUpload>,
        first: WriteFilesRequest,
        rest: Incoming<WriteFilesRequest>,
    ) -> Result<WriteFilesResponse, Error> {
        let (parts, broken_off) = relay(first, rest);
        let mut client = self.labeler.uploads();
        let call = client.write_files(on_behalf(upload.permit(), parts));
        relayed(Asked::with(&upload), call, broken_off).await.map_err(|error| match error {
            // Had the user's own token ended, the next call would say so.
            Error::Labeler(LabelerError::Refused(refusal))
                if refusal.denial == Denial::TokenExpired =>
            {
                Error::UploadInterrupted
            }
            error => error,
        })
    }

    async fn finish_upload(
        &self,
        upload: Granted<can::WriteUpload>,
        request: FinishUploadRequest,
    ) -> Result<FinishUploadResponse, Error> {
        let request = FinishUploadRequest { upload_id: upload.id().to_owned(), ..request };
        let call = on_behalf(upload.permit(), request);
        answered(&Asked::with(&upload), self.labeler.uploads().finish_upload(call).await)
    }

    async fn cancel_upload(
        &self,
        upload: Granted<can::WriteUpload>,
        _: CancelUploadRequest,
    ) -> Result<CancelUploadResponse, Error> {
        let request = CancelUploadRequest { upload_id: upload.id().to_owned() };
        let call = on_behalf(upload.permit(), request);
        answered(&Asked::with(&upload), self.labeler.uploads().cancel_upload(call).await)
    }

    async fn import_folder(
        &self,
        permit: Permit,
        request: ImportFolderRequest,
    ) -> Result<ImportFolderResponse, Error> {
        LabelerClient::<S>::may_store(&permit)?;
        let call = on_behalf(&permit, request);
        answered(&Asked::by(&permit, "write"), self.labeler.uploads().import_folder(call).await)
    }
}
