//! The fake Labeler's splits: there are no items.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    AssignSplitsRequest, AssignSplitsResponse, ListItemsRequest, ListItemsResponse, SplitService,
};
use hallpass_policy::Granted;
use tonic::Status;

use super::fake::Fake;

impl SplitService for Fake {
    type Error = Status;

    async fn list_items(
        &self,
        _: Granted<can::ReadDataset>,
        _: ListItemsRequest,
    ) -> Result<ListItemsResponse, Status> {
        self.scripted()?;
        Ok(ListItemsResponse::default())
    }

    async fn assign_splits(
        &self,
        _: Granted<can::WriteDataset>,
        _: AssignSplitsRequest,
    ) -> Result<AssignSplitsResponse, Status> {
        self.scripted()?;
        Ok(AssignSplitsResponse::default())
    }
}
