//! The handlers of `PermissionService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can::ShareDataset;
use hallpass_contract::labeler::{
    GrantPermissionRequest, GrantPermissionResponse, ListPermissionsRequest,
    ListPermissionsResponse, PermissionService, RevokePermissionRequest, RevokePermissionResponse,
    SetVisibilityRequest, SetVisibilityResponse, TransferOwnershipRequest,
    TransferOwnershipResponse,
};
use hallpass_policy::Granted;

use crate::datasets::store::Datasets;
use crate::datasets::wire;
use crate::error::Error;
use crate::model::spec::check_subject;
use crate::page;

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
        dataset: Granted<ShareDataset>,
        request: ListPermissionsRequest,
    ) -> Result<ListPermissionsResponse, Error> {
        let page = page::request(request.page_size, request.page_token)?;
        let page = self.0.permissions(&dataset, page).await?;
        let permissions = page.permissions;
        Ok(ListPermissionsResponse {
            owner: permissions.owner,
            visibility: wire::visibility(permissions.visibility).into(),
            shares: permissions.shares.into_iter().map(wire::share).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn grant_permission(
        &self,
        dataset: Granted<ShareDataset>,
        request: GrantPermissionRequest,
    ) -> Result<GrantPermissionResponse, Error> {
        let share = request.share.ok_or_else(|| Error::invalid("share", "must be set"))?;
        let share = wire::granted(share).map_err(|error| error.within("share"))?;
        let granted = self.0.grant(&dataset, &share, &request.etag).await?;
        Ok(GrantPermissionResponse { dataset: Some(wire::dataset(granted)) })
    }

    async fn revoke_permission(
        &self,
        dataset: Granted<ShareDataset>,
        request: RevokePermissionRequest,
    ) -> Result<RevokePermissionResponse, Error> {
        check_subject("subject", &request.subject)?;
        let revoked = self.0.revoke(&dataset, &request.subject, &request.etag).await?;
        Ok(RevokePermissionResponse { dataset: Some(wire::dataset(revoked)) })
    }

    async fn set_visibility(
        &self,
        dataset: Granted<ShareDataset>,
        request: SetVisibilityRequest,
    ) -> Result<SetVisibilityResponse, Error> {
        let visibility = wire::visibility_from(request.visibility)?
            .ok_or_else(|| Error::invalid("visibility", "must be set; right: private or public"))?;
        let set = self.0.set_visibility(&dataset, visibility, &request.etag).await?;
        Ok(SetVisibilityResponse { dataset: Some(wire::dataset(set)) })
    }

    async fn transfer_ownership(
        &self,
        dataset: Granted<ShareDataset>,
        request: TransferOwnershipRequest,
    ) -> Result<TransferOwnershipResponse, Error> {
        check_subject("new_owner", &request.new_owner)?;
        let former = wire::former(request.former_owner_role)?;
        let (new, etag) = (&request.new_owner, &request.etag);
        let transferred = self.0.transfer(&dataset, new, former, etag).await?;
        Ok(TransferOwnershipResponse { dataset: Some(wire::dataset(transferred)) })
    }
}
