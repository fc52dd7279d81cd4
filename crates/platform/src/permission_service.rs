//! Platform's `PermissionService`: what an owner asks, Labeler does.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    GrantPermissionRequest, GrantPermissionResponse, ListPermissionsRequest,
    ListPermissionsResponse, RevokePermissionRequest, RevokePermissionResponse,
    SetVisibilityRequest, SetVisibilityResponse, TransferOwnershipRequest,
    TransferOwnershipResponse,
};
use hallpass_contract::platform::PermissionService;
use hallpass_guard::on_behalf;
use hallpass_policy::Granted;

use crate::error::Error;
use crate::labeler::{Asked, LabelerClient, Peer, answered};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct PermissionHandler<S> {
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> PermissionService for PermissionHandler<S> {
    type Error = Error;

    async fn list_permissions(
        &self,
        dataset: Granted<can::ShareDataset>,
        request: ListPermissionsRequest,
    ) -> Result<ListPermissionsResponse, Error> {
        let request = ListPermissionsRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.permissions().list_permissions(call).await)
    }

    async fn grant_permission(
        &self,
        dataset: Granted<can::ShareDataset>,
        request: GrantPermissionRequest,
    ) -> Result<GrantPermissionResponse, Error> {
        let request = GrantPermissionRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.permissions().grant_permission(call).await)
    }

    async fn revoke_permission(
        &self,
        dataset: Granted<can::ShareDataset>,
        request: RevokePermissionRequest,
    ) -> Result<RevokePermissionResponse, Error> {
        let request = RevokePermissionRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.permissions().revoke_permission(call).await)
    }

    async fn set_visibility(
        &self,
        dataset: Granted<can::ShareDataset>,
        request: SetVisibilityRequest,
    ) -> Result<SetVisibilityResponse, Error> {
        let request = SetVisibilityRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.permissions().set_visibility(call).await)
    }

    async fn transfer_ownership(
        &self,
        dataset: Granted<can::ShareDataset>,
        request: TransferOwnershipRequest,
    ) -> Result<TransferOwnershipResponse, Error> {
        let request = TransferOwnershipRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.permissions().transfer_ownership(call).await)
    }
}
