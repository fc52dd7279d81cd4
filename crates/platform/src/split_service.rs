//! Platform's `SplitService`: what users ask, Labeler does.

use hallpass_contract::can;
use hallpass_contract::labeler::{
    AssignSplitsRequest, AssignSplitsResponse, ListItemsRequest, ListItemsResponse,
};
use hallpass_contract::platform::SplitService;
use hallpass_guard::on_behalf;
use hallpass_policy::Granted;

use crate::error::Error;
use crate::labeler::{Asked, LabelerClient, Peer, answered};

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct SplitHandler<S> {
    pub(crate) labeler: LabelerClient<S>,
}

impl<S: Peer> SplitService for SplitHandler<S> {
    type Error = Error;

    async fn list_items(
        &self,
        dataset: Granted<can::ReadDataset>,
        request: ListItemsRequest,
    ) -> Result<ListItemsResponse, Error> {
        let request = ListItemsRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.splits().list_items(call).await)
    }

    async fn assign_splits(
        &self,
        dataset: Granted<can::WriteDataset>,
        request: AssignSplitsRequest,
    ) -> Result<AssignSplitsResponse, Error> {
        let request = AssignSplitsRequest { dataset_id: dataset.id().to_owned(), ..request };
        let call = on_behalf(dataset.permit(), request);
        answered(&Asked::with(&dataset), self.labeler.splits().assign_splits(call).await)
    }
}
