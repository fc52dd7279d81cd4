//! The handlers of `SplitService`: each decodes, calls the store with its proof, encodes.

use std::sync::Arc;

use hallpass_contract::can::{ReadDataset, WriteDataset};
use hallpass_contract::labeler::{
    AssignSplitsRequest, AssignSplitsResponse, ListItemsRequest, ListItemsResponse, SplitService,
};
use hallpass_policy::Granted;

use crate::datasets::store::Datasets;
use crate::datasets::wire as datasets;
use crate::error::Error;
use crate::page;
use crate::splits::wire;

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
        dataset: Granted<ReadDataset>,
        request: ListItemsRequest,
    ) -> Result<ListItemsResponse, Error> {
        let filter = wire::item_filter(&request)?;
        let page = page::request(request.page_size, request.page_token)?;
        self.0.items(&dataset, &filter, page).await.map(wire::items)
    }

    async fn assign_splits(
        &self,
        dataset: Granted<WriteDataset>,
        request: AssignSplitsRequest,
    ) -> Result<AssignSplitsResponse, Error> {
        let rule = wire::split_rule(request.by)?;
        let split = self.0.assign_splits(&dataset, &rule, &request.etag).await?;
        Ok(AssignSplitsResponse { dataset: Some(datasets::dataset(split)) })
    }
}
