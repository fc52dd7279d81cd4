//! Downloads a dataset's files into a folder.

use std::path::PathBuf;

use clap::Args;
use hallpass_contract::labeler::DownloadDatasetRequest;
use serde_json::json;
use tonic::Request;

use super::open;
use crate::caller::{Connection, refused};
use crate::failure::Failure;
use crate::output::{self, Format, plain};
use landing::Landing;

mod landing;

/// What to download, and where to.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hallpass dataset download ds_1 shapes
  hallpass dataset download ds_1 shapes --path circle/01.png --force")]
pub(crate) struct Download {
    /// The dataset's id.
    #[arg(value_name = "ID")]
    id: String,
    /// The folder to write to; made if it is not there.
    #[arg(value_name = "DEST")]
    folder: PathBuf,
    /// One file only.
    #[arg(long, default_value = "", hide_default_value = true)]
    path: String,
    /// Overwrite files that are there.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Downloads and says what was written.
pub(super) async fn run(wanted: Download, format: Format) -> Result<(), Failure> {
    let mut client = open(&wanted.connection).await?;
    let request =
        DownloadDatasetRequest { dataset_id: wanted.id, path: wanted.path, ..Default::default() };
    let answer = client.download_dataset(Request::new(request)).await.map_err(|s| refused(&s))?;
    let mut pieces = answer.into_inner();
    let mut landing = Landing::new(wanted.folder.clone(), wanted.force)?;
    while let Some(piece) = pieces.message().await.map_err(|status| refused(&status))? {
        let chunk = piece.chunk.unwrap_or_default();
        landing.write(&chunk.path, &chunk.data)?;
    }
    let (files, bytes) = landing.finish()?;
    let folder = wanted.folder.display().to_string();
    match format {
        Format::Text => {
            output::print(&format!("{files} files, {bytes} bytes in {}\n", plain(&folder)))
        }
        Format::Json => {
            output::print_json(&json!({ "folder": folder, "files": files, "bytes": bytes }))
        }
    }
}
