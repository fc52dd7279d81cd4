//! One dataset: shown, changed, and what one may do to it.

use clap::Args;
use hallpass_contract::labeler::{
    CheckPermissionRequest, DatasetChange, GetDatasetRequest, UpdateDatasetRequest,
};
use prost_types::FieldMask;
use serde_json::json;

use super::{Client, find, print, view};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::named;
use crate::output::{self, Format, plain};

/// Which dataset.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset get $DATASET\n  hallpass dataset get $DATASET --output json"
)]
pub(crate) struct Get {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which dataset, and what it is to be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset update $DATASET --name forms
  hallpass dataset update $DATASET --description '' --etag $ETAG")]
pub(crate) struct Update {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// Its new name.
    #[arg(long, required_unless_present = "description")]
    name: Option<String>,
    /// Its new description; empty for none.
    #[arg(long)]
    description: Option<String>,
    /// Change it only if it still has this etag.
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    connection: Connection,
}

/// Which dataset.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset check $DATASET
  hallpass dataset check $SNAPSHOT --output json")]
pub(crate) struct Check {
    /// A dataset by its id or name, a snapshot by its id or as DATASET/NAME, or an upload by its id.
    #[arg(value_name = "WHICH")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Shows it.
pub(super) async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let (mut client, dataset_id) = find(&wanted.connection, &wanted.id).await?;
    let request = GetDatasetRequest { dataset_id };
    let got = client.get_dataset(unary(request)).await.map_err(|s| refused(&s))?;
    print(&got.into_inner().dataset.unwrap_or_default().into(), format)
}

/// Changes it.
pub(super) async fn update(wanted: Update, format: Format) -> Result<(), Failure> {
    let (mut client, dataset_id) = find(&wanted.connection, &wanted.id).await?;
    let given =
        [("display_name", wanted.name.is_some()), ("description", wanted.description.is_some())];
    let paths = given.into_iter().filter(|(_, given)| *given).map(|(path, _)| path.to_owned());
    let request = UpdateDatasetRequest {
        dataset_id,
        update_mask: Some(FieldMask { paths: paths.collect() }),
        change: Some(DatasetChange {
            display_name: wanted.name.unwrap_or_default(),
            description: wanted.description.unwrap_or_default(),
        }),
        etag: wanted.etag,
    };
    let updated = client.update_dataset(unary(request)).await.map_err(|s| refused(&s))?;
    print(&updated.into_inner().dataset.unwrap_or_default().into(), format)
}

/// Tells what one may do to it.
pub(super) async fn check(wanted: Check, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let id = match wanted.id {
        upload if upload.starts_with("up_") => upload,
        given => named::dataset_or_snapshot(&service, &given).await?,
    };
    let mut client = Client::new(service);
    let mut request = CheckPermissionRequest::default();
    match id.split_once('_') {
        Some(("sn", _)) => request.snapshot_id = id,
        Some(("up", _)) => request.upload_id = id,
        _ => request.dataset_id = id,
    }
    let checked = client.check_permission(unary(request)).await.map_err(|s| refused(&s))?;
    let checked = checked.into_inner();
    let role = view::role(checked.role());
    let permissions = &checked.permissions;
    match format {
        Format::Text => {
            let may =
                if permissions.is_empty() { "nothing".to_owned() } else { permissions.join(", ") };
            output::print(&format!("role {role}; may: {}\n", plain(&may)))
        }
        Format::Json => output::print_json(&json!({ "role": role, "permissions": permissions })),
    }
}
