//! Deletes a dataset, with a token for just that.

use clap::Args;
use hallpass_contract::labeler::DeleteDatasetRequest;
use serde_json::json;

use super::Client;
use crate::action::{self, Elevation};
use crate::caller::{Connection, refused};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};

const PATH: &str = "/hallpass.platform.v1.DatasetService/DeleteDataset";

/// Which dataset, and as it was when.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset delete $DATASET
  hallpass dataset delete $DATASET --etag $ETAG
  hallpass action issue datasets.delete |
    hallpass dataset delete $DATASET --action-token-file -")]
pub(crate) struct Delete {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// Delete only if the dataset still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    elevation: Elevation,
    #[command(flatten)]
    connection: Connection,
}

/// Deletes it.
pub(super) async fn run(wanted: Delete, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let id = named::dataset(&service, &wanted.id).await?;
    let message = DeleteDatasetRequest { dataset_id: id.clone(), etag: wanted.etag };
    let request = action::request(&service, PATH, message, &wanted.elevation).await?;
    let mut client = Client::new(service);
    client.delete_dataset(request).await.map_err(|s| refused(&s))?;
    match format {
        Format::Text => output::print(&format!("deleted {}\n", plain(&id))),
        Format::Json => output::print_json(&json!({ "deleted": id })),
    }
}
