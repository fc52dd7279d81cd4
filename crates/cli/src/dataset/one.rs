//! One dataset: shown, changed, and what one may do to it.

use clap::Args;
use hallpass_contract::labeler::{
    CheckPermissionRequest, DatasetChange, GetDatasetRequest, UpdateDatasetRequest,
};
use prost_types::FieldMask;
use serde_json::json;

use super::{open, print, view};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::output::{self, Format, plain};

/// Which dataset.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset get $DATASET\n  hallpass dataset get $DATASET --output json"
)]
pub(crate) struct Get {
    /// The dataset's id.
    #[arg(value_name = "ID")]
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
    /// The dataset's id.
    #[arg(value_name = "ID")]
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
    /// The id of a dataset, a snapshot or an upload.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Shows it.
pub(super) async fn get(wanted: Get, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let request = GetDatasetRequest { dataset_id: wanted.id };
    let got = client.get_dataset(unary(request)).await.map_err(|s| refused(&s))?;
    print(&got.into_inner().dataset.unwrap_or_default().into(), format)
}

/// Changes it.
pub(super) async fn update(wanted: Update, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let given =
        [("display_name", wanted.name.is_some()), ("description", wanted.description.is_some())];
    let paths = given.into_iter().filter(|(_, given)| *given).map(|(path, _)| path.to_owned());
    let request = UpdateDatasetRequest {
        dataset_id: wanted.id,
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
    let mut client = open(&wanted.connection).await?;
    let mut request = CheckPermissionRequest::default();
    match wanted.id.split_once('_') {
        Some(("sn", _)) => request.snapshot_id = wanted.id,
        Some(("up", _)) => request.upload_id = wanted.id,
        _ => request.dataset_id = wanted.id,
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
