//! Uploads that are not finished.

use clap::{Args, Subcommand};
use hallpass_contract::labeler::{CancelUploadRequest, ListUploadsRequest, Upload};
use hallpass_contract::platform::upload_service_client::UploadServiceClient;
use serde::Serialize;
use serde_json::json;

use crate::caller::{Connection, refused, unary};
use crate::failure::Failure;
use crate::instant;
use crate::output::{self, Format, plain};

/// What to do about them.
#[derive(Debug, Subcommand)]
pub(crate) enum UploadsCommand {
    /// List your open uploads, newest first.
    List(List),
    /// Drop an upload and what it has received.
    Cancel(Cancel),
}

/// Where to list.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hallpass dataset uploads list\n  hallpass dataset uploads list --output json"
)]
pub(crate) struct List {
    #[command(flatten)]
    connection: Connection,
}

/// Which upload.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hallpass dataset uploads cancel $UPLOAD")]
pub(crate) struct Cancel {
    /// The upload's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// An upload as it is printed.
#[derive(Debug, Serialize)]
struct UploadView {
    upload_id: String,
    dataset_id: String,
    revision: bool,
    display_name: String,
    file_count: u64,
    size_bytes: u64,
    create_time: String,
    expire_time: String,
}

impl From<Upload> for UploadView {
    fn from(upload: Upload) -> Self {
        Self {
            upload_id: upload.upload_id,
            dataset_id: upload.dataset_id,
            revision: upload.revision,
            display_name: upload.display_name,
            file_count: upload.file_count,
            size_bytes: upload.size_bytes,
            create_time: instant::of_timestamp(upload.create_time),
            expire_time: instant::of_timestamp(upload.expire_time),
        }
    }
}

/// Runs the command.
pub(super) async fn run(command: UploadsCommand, format: Format) -> Result<(), Failure> {
    match command {
        UploadsCommand::List(wanted) => list(&wanted, format).await,
        UploadsCommand::Cancel(wanted) => cancel(wanted, format).await,
    }
}

async fn list(wanted: &List, format: Format) -> Result<(), Failure> {
    let mut client = UploadServiceClient::new(wanted.connection.open_as_caller().await?);
    let mut uploads: Vec<UploadView> = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListUploadsRequest { page_size: 0, page_token };
        let page = client.list_uploads(unary(request)).await.map_err(|s| refused(&s))?.into_inner();
        uploads.extend(page.uploads.into_iter().map(UploadView::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    match format {
        Format::Text => output::print(&table(&uploads)),
        Format::Json => output::print_json(&uploads),
    }
}

async fn cancel(wanted: Cancel, format: Format) -> Result<(), Failure> {
    let mut client = UploadServiceClient::new(wanted.connection.open_as_caller().await?);
    let request = CancelUploadRequest { upload_id: wanted.id.clone() };
    client.cancel_upload(unary(request)).await.map_err(|s| refused(&s))?;
    match format {
        Format::Text => output::print(&format!("cancelled {}\n", plain(&wanted.id))),
        Format::Json => output::print_json(&json!({ "cancelled": wanted.id })),
    }
}

fn table(uploads: &[UploadView]) -> String {
    let head = ["ID", "DATASET", "NAME", "FILES", "BYTES", "CREATED", "EXPIRES"];
    let rows = uploads.iter().map(|upload| {
        let (files, bytes) = (upload.file_count.to_string(), upload.size_bytes.to_string());
        let cells = [
            &upload.upload_id,
            &upload.dataset_id,
            &upload.display_name,
            &files,
            &bytes,
            &upload.create_time,
            &upload.expire_time,
        ];
        cells.map(|cell| plain(cell).into_owned())
    });
    output::listing(head, rows, &["ID", "NAME", "EXPIRES"])
}
