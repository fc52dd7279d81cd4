//! One dataset: shown, changed, and what one may do to it.

use clap::Args;
use hallpass_contract::labeler::{
    CheckPermissionRequest, DatasetChange, GetDatasetRequest, GetDownloadUrlRequest,
    UpdateDatasetRequest,
};
use prost_types::FieldMask;
use serde_json::json;

use super::{Client, find, leaks, print, view};
use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
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

/// Which file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset url $DATASET circle/01.png
  hallpass dataset url $DATASET circle/01.png --output json")]
pub(crate) struct Url {
    /// The dataset's id or name.
    #[arg(value_name = "DATASET")]
    id: String,
    /// The file's path in the dataset.
    #[arg(value_name = "PATH")]
    path: String,
    #[command(flatten)]
    connection: Connection,
}

/// Prints a URL of a file.
pub(super) async fn url(wanted: Url, format: Format) -> Result<(), Failure> {
    let (mut client, dataset_id) = find(&wanted.connection, &wanted.id).await?;
    let request = GetDownloadUrlRequest { dataset_id, path: wanted.path };
    let got = client.get_download_url(unary(request)).await.map_err(|s| refused(&s))?.into_inner();
    match format {
        Format::Text => output::print(&format!("{}\n", plain(&got.url))),
        Format::Json => {
            let (file, expires) =
                (got.file.unwrap_or_default(), instant::of_timestamp(got.expire_time));
            output::print_json(&json!({
                "url": got.url,
                "expire_time": expires,
                "path": file.path,
                "size_bytes": file.size_bytes,
                "sha256": output::hex(&file.sha256),
            }))
        }
    }
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

/// Tells what one may do to it, and whether its splits leak.
pub(super) async fn check(wanted: Check, format: Format) -> Result<(), Failure> {
    let service = wanted.connection.open_as_caller().await?;
    let id = match wanted.id {
        upload if upload.starts_with("up_") => upload,
        given => named::dataset_or_snapshot(&service, &given).await?,
    };
    let mut request = CheckPermissionRequest::default();
    let kind = id.split_once('_').map_or("", |(kind, _)| kind);
    match kind {
        "sn" => request.snapshot_id.clone_from(&id),
        "up" => request.upload_id.clone_from(&id),
        _ => request.dataset_id.clone_from(&id),
    }
    let mut client = Client::new(service.clone());
    let checked = client.check_permission(unary(request)).await.map_err(|s| refused(&s))?;
    let checked = checked.into_inner();
    let role = view::role(checked.role());
    let permissions = &checked.permissions;
    let may_read = permissions.iter().any(|permission| permission == "read");
    let leaks = match kind {
        "up" => None,
        _ if !may_read => None,
        "sn" => Some(leaks::of_snapshot(service, &id).await.map_err(|s| refused(&s))?),
        _ => Some(leaks::of_dataset(service, &id).await.map_err(|s| refused(&s))?),
    };
    match format {
        Format::Text => {
            let may =
                if permissions.is_empty() { "nothing".to_owned() } else { permissions.join(", ") };
            let leaks = leaks.as_deref().map(leaks::to_text).unwrap_or_default();
            output::print(&format!("role {role}; may: {}\n{leaks}", plain(&may)))
        }
        Format::Json => {
            let mut shown = json!({ "role": role, "permissions": permissions });
            if let Some(leaks) = leaks {
                shown["leaks"] = json!(leaks);
            }
            output::print_json(&shown)
        }
    }
}
