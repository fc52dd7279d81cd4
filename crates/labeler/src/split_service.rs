//! The handlers of `SplitService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can;
use hallpass_contract::labeler::{
    AssignSplitsRequest, AssignSplitsResponse, ListItemsRequest, ListItemsResponse, SplitService,
};
use hallpass_policy::Granted;

use crate::datasets::Datasets;
use crate::error::Error;

/// The handlers.
#[derive(Debug, Clone)]
pub(crate) struct SplitHandlers(Arc<Datasets>);

impl SplitHandlers {
    pub(crate) const fn new(datasets: Arc<Datasets>) -> Self {
        Self(datasets)
    }
}

impl SplitService for SplitHandlers {
    type Error = Error;

    async fn list_items(
        &self,
        _: Granted<can::ReadDataset>,
        _: ListItemsRequest,
    ) -> Result<ListItemsResponse, Error> {
        Err(Error::NotServed)
    }

    async fn assign_splits(
        &self,
        _: Granted<can::WriteDataset>,
        _: AssignSplitsRequest,
    ) -> Result<AssignSplitsResponse, Error> {
        Err(Error::NotServed)
    }
}
